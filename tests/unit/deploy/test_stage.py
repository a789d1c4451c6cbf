"""A stage is what samconfig.toml says, with what was asked for on top."""

from pathlib import Path

import pytest

from housing_deploy.errors import StageError
from housing_deploy.plan import values
from housing_deploy.stage import pairs, read_stage
from housing_ops.checkout import CHECKOUT
from housing_ops.template import load

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
parameter_overrides = ["file://kept.yaml", "TrainingSubnetIds=subnet-a,subnet-b"]
tags = "project=housing stage=staging"
[prod.deploy.parameters]
parameter_overrides = "Stage=dev"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "samconfig.toml"
    path.write_text(CONFIG)
    (tmp_path / "kept.yaml").write_text(
        "Stage: staging\nTracing: true\nTtl: 30\nTrainingSubnetIds: x"
    )
    return path


def test_a_stage_is_read_as_sam_reads_it(config: Path) -> None:
    stage = read_stage(config, "staging", "AlertEmail=me@example.com TrainingSubnetIds=subnet-c")

    assert (stage.stack_name, stage.package_prefix) == ("housing-staging", "packages")
    assert stage.region == "eu-central-1"
    assert "CAPABILITY_NAMED_IAM" in stage.capabilities
    assert "CAPABILITY_AUTO_EXPAND" in stage.capabilities
    assert stage.parameters == {
        "Stage": "staging",
        "Tracing": "true",
        "Ttl": "30",
        "TrainingSubnetIds": "subnet-c",
        "AlertEmail": "me@example.com",
    }
    assert stage.tags == {"project": "housing", "stage": "staging"}


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
    assert pairs(text, CHECKOUT) == {"A": "1", "B": "two words"}


def test_a_parameter_that_is_not_a_pair_is_refused() -> None:
    with pytest.raises(StageError, match="'alone' is not one"):
        pairs("A=1 alone", CHECKOUT)


def test_a_value_is_the_given_one_else_the_present_one_else_the_default() -> None:
    template = {
        "Parameters": {"Given": {"Default": "d"}, "Kept": {"Default": "d"}, "New": {"Default": 7}},
        "Resources": {},
    }

    parameters = values(template, {"Given": "g"}, {"Given": "old", "Kept": "k", "Gone": "x"})

    assert parameters == {"Given": "g", "Kept": "k", "New": "7"}
    with pytest.raises(StageError, match="no parameter Stranger"):
        values(template, {"Stranger": "s"}, {})


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_the_projects_own_stages_are_read_and_the_template_knows_their_parameters(
    name: str,
) -> None:
    template = load(CHECKOUT / "infra/template.yaml")

    stage = read_stage(CHECKOUT / "samconfig.toml", name)

    assert stage.stack_name == f"housing-{name}"  # as docs/iam and the exporter expect it
    assert stage.is_production == (name == "prod")
    assert values(template, stage.parameters, {})["Stage"] == name
