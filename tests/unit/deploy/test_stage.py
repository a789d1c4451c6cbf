"""A stage is what samconfig.toml says, with what was asked for on top."""

from pathlib import Path

import pytest

from housing_deploy.errors import StageError
from housing_deploy.parameters import values
from housing_deploy.stage import pairs, read_stage
from local_stack.settings import CHECKOUT

CONFIG = """
version = 0.1
[default.deploy.parameters]
stack_name = "nobody"
[staging.global.parameters]
region = "eu-central-1"
[staging.deploy.parameters]
stack_name = "housing-staging"
s3_prefix = "packages"
capabilities = "CAPABILITY_NAMED_IAM"
parameter_overrides = ["Stage=staging", "TrainingSubnetIds=subnet-a,subnet-b"]
[prod.deploy.parameters]
parameter_overrides = "Stage=dev"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "samconfig.toml"
    path.write_text(CONFIG)
    return path


def test_a_stage_is_read_as_sam_reads_it(config: Path) -> None:
    stage = read_stage(config, "staging", "AlertEmail=me@example.com TrainingSubnetIds=subnet-c")

    assert (stage.stack_name, stage.package_prefix) == ("housing-staging", "packages")
    assert stage.region == "eu-central-1"
    assert "CAPABILITY_NAMED_IAM" in stage.capabilities
    assert "CAPABILITY_AUTO_EXPAND" in stage.capabilities
    assert stage.parameters == {
        "Stage": "staging",
        "TrainingSubnetIds": "subnet-c",
        "AlertEmail": "me@example.com",
    }


def test_a_stage_that_is_not_there_is_refused_with_those_that_are(config: Path) -> None:
    with pytest.raises(StageError, match="it has: staging, prod"):
        read_stage(config, "dev")


def test_a_stage_cannot_call_itself_by_another_name(config: Path) -> None:
    with pytest.raises(StageError, match="sets Stage=dev"):
        read_stage(config, "prod")


@pytest.mark.parametrize(
    "text",
    ['A=1 B="two words"', ["A=1", "B=two words"], {"A": 1, "B": "two words"}],
    ids=["a string", "a list", "a table"],
)
def test_pairs_come_in_sams_three_forms(text: str | list[str] | dict[str, object]) -> None:
    assert pairs(text) == {"A": "1", "B": "two words"}


def test_what_is_no_pair_is_refused() -> None:
    with pytest.raises(StageError, match="'alone' is none"):
        pairs("A=1 alone")


def test_a_value_is_the_given_one_else_the_present_one_else_the_default() -> None:
    template = {
        "Parameters": {"Given": {"Default": "d"}, "Kept": {"Default": "d"}, "New": {"Default": 7}},
        "Resources": {},
    }

    found = values(template, {"Given": "g"}, {"Given": "old", "Kept": "k", "Gone": "x"})

    assert found == {"Given": "g", "Kept": "k", "New": "7"}
    with pytest.raises(StageError, match="no parameter Stranger"):
        values(template, {"Stranger": "s"}, {})


def test_the_stages_of_the_project_are_stacks_that_the_deployers_policy_covers() -> None:
    text = (CHECKOUT / "samconfig.toml").read_text()

    for name in ("dev", "staging", "prod"):
        if f"[{name}.deploy" in text:
            assert read_stage(CHECKOUT / "samconfig.toml", name).stack_name == f"housing-{name}"
