"""What can be said of a deployment, and what the stages say."""

import re
import tomllib
from itertools import product
from typing import Any

import pytest
import yaml

from housing_ops.checkout import CHECKOUT
from housing_ops.template import load
from infra.deciding import Decisions
from infra.reading import TEMPLATE, references

STAGES = ("dev", "staging", "prod")
BATCH = {
    "TrainingImageUri": "registry/training:1",
    "TrainingSubnetIds": "subnet-1,subnet-2",
    "TrainingSecurityGroupIds": "sg-1",
}
URI, ARN = "https://mlflow.example", "arn:aws:sagemaker:eu-west-1:1:mlflow-app/app-1"


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return load(TEMPLATE)


def stage_file(stage: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(
        (TEMPLATE.parent / f"stages/{stage}.yaml").read_text()
    )
    return document


def test_every_parameter_is_in_one_group(template: dict[str, Any]) -> None:
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]

    assert sorted(grouped) == sorted(template["Parameters"])


def test_every_parameter_is_described_has_a_default_and_is_used(template: dict[str, Any]) -> None:
    used = references({name: section for name, section in template.items() if name != "Metadata"})
    assert set(template["Parameters"]) <= used
    for name, section in template["Parameters"].items():
        assert section["Description"].endswith("."), name
        assert "Default" in section, name


@pytest.mark.parametrize(
    ("uri", "arn", "managed"),
    list(product(("", URI), ("", ARN), ("none", "tracking-server", "app"))),
)
def test_a_deployment_knows_exactly_one_registry(
    template: dict[str, Any], uri: str, arn: str, managed: str
) -> None:
    given = {"MlflowTrackingUri": uri, "SageMakerMlflowArn": arn, "MlflowManaged": managed}

    broken = Decisions(template, BATCH | given).broken_rules()

    assert (not broken) == ([bool(uri), bool(arn), managed != "none"].count(True) == 1)


@pytest.mark.parametrize("missing", BATCH)
def test_batch_wants_an_image_and_a_network(template: dict[str, Any], missing: str) -> None:
    given = {name: value for name, value in BATCH.items() if name != missing}
    given["MlflowTrackingUri"] = URI

    assert [missing in rule for rule in Decisions(template, given).broken_rules()] == [True]
    assert not Decisions(template, given | {"JobLauncher": "local"}).broken_rules()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_says_only_what_the_template_takes(template: dict[str, Any], stage: str) -> None:
    said = stage_file(stage)

    assert said["Stage"] == stage
    for name, value in said.items():
        parameter = template["Parameters"][name]
        assert not isinstance(value, bool), f"{name}: SAM would make it True or False"
        allowed = parameter.get("AllowedValues", [value])
        assert str(value) in map(str, allowed), name
        assert re.fullmatch(parameter.get("AllowedPattern", ".*"), str(value)), name
        assert int(value) >= parameter["MinValue"] if "MinValue" in parameter else True


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_passes_the_rules(template: dict[str, Any], stage: str) -> None:
    said = {name: str(value) for name, value in stage_file(stage).items()}

    assert not Decisions(template, said | BATCH | {"MlflowManaged": "app"}).broken_rules()


@pytest.mark.parametrize(("stage", "gradual"), [("dev", False), ("staging", True), ("prod", True)])
def test_stages_with_users_change_gradually(
    template: dict[str, Any], stage: str, *, gradual: bool
) -> None:
    said = {name: str(value) for name, value in stage_file(stage).items()}

    assert Decisions(template, said).condition("AlarmsRollBack") is gradual


def test_samconfig_knows_each_stage_and_is_dev_by_default() -> None:
    config = tomllib.loads((CHECKOUT / "samconfig.toml").read_text())

    assert config.pop("version") == 0.1
    assert set(config) == {"default", *STAGES}
    for name, commands in config.items():
        stage = "dev" if name == "default" else name
        deploy, delete = commands["deploy"]["parameters"], commands["delete"]["parameters"]
        assert deploy["parameter_overrides"] == [f"file://infra/stages/{stage}.yaml"]
        assert deploy["stack_name"] == delete["stack_name"] == f"housing-{stage}"
        assert "template_file" not in deploy  # it would be the source, in place of what was built
        assert commands["build"]["parameters"]["template_file"] == "infra/template.yaml"
        assert commands["validate"]["parameters"]["lint"] is True
        assert deploy["confirm_changeset"] is True


def test_a_local_endpoint_has_none_of_what_only_aws_has(template: dict[str, Any]) -> None:
    decided = Decisions(
        template,
        {
            "Stage": "local",
            "FunctionRuntime": "provided.al2023",
            "JobLauncher": "local",
            "LocalEndpointUrl": "http://127.0.0.1:4566",
            "KeepPredictions": "true",
            "TrafficShift": "Canary10Percent5Minutes",
        },
    )

    for name in ("IsOnAws", "ShiftsSlowly", "StartsFromSnapshots", "KeepsPredictions", "UsesBatch"):
        assert not decided.condition(name), name
