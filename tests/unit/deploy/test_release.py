"""The release is another one when the predict function is, and only then."""

import copy
from typing import Any

import pytest

from housing_deploy.plan import values
from housing_deploy.release import release
from housing_ops.checkout import CHECKOUT
from housing_ops.template import load

TEMPLATE: dict[str, Any] = {
    "Parameters": {"Release": {"Default": ""}, "Ttl": {"Default": "30"}, "Mail": {"Default": ""}},
    "Conditions": {"Asks": {"Fn::Equals": [{"Ref": "Auth"}, "keys"]}},
    "Globals": {"Function": {"Environment": {"Variables": {"STAGE": {"Ref": "Stage"}}}}},
    "Resources": {
        "Layer": {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "s3://1"}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}},
        "PredictFunction": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "CodeUri": "s3://b/1",
                "Layers": [{"Ref": "Layer"}],
                "AutoPublishCodeSha256": {"Ref": "Release"},
                "Environment": {
                    "Variables": {
                        "TTL": {"Ref": "Ttl"},
                        "TOPIC": {"Ref": "Topic"},
                        "KEYS": {"Fn::If": ["Asks", {"Fn::Sub": "${Keys}/x"}, ""]},
                    }
                },
            },
        },
    },
}
PARAMETERS = {"Stage": "dev", "Ttl": "30", "Auth": "keys", "Keys": "k", "Mail": "", "Release": "r"}
BEFORE = release(TEMPLATE, PARAMETERS)


@pytest.mark.parametrize("name", ["Stage", "Ttl", "Auth", "Keys"])
def test_a_parameter_that_reaches_the_function_makes_another(name: str) -> None:
    assert release(TEMPLATE, PARAMETERS | {name: "another"}) != BEFORE


@pytest.mark.parametrize("name", ["Mail", "Release"])
def test_a_parameter_that_does_not_makes_none(name: str) -> None:
    assert release(TEMPLATE, PARAMETERS | {name: "another"}) == BEFORE


@pytest.mark.parametrize(
    ("resource", "field", "is_new"),
    [
        ("PredictFunction", "CodeUri", True),
        ("Layer", "ContentUri", True),
        ("PredictFunction", "SnapStart", True),
        ("PredictFunction", "DeploymentPreference", False),
        ("PredictFunction", "ReservedConcurrentExecutions", False),
        ("Topic", "DisplayName", False),
    ],
)
def test_code_and_layers_make_another_and_other_resources_none(
    resource: str, field: str, *, is_new: bool
) -> None:
    changed = copy.deepcopy(TEMPLATE)
    changed["Resources"][resource]["Properties"][field] = "another"

    assert (release(changed, PARAMETERS) != BEFORE) is is_new


def test_it_becomes_the_parameter_where_the_template_has_one() -> None:
    parameters = values(TEMPLATE, {}, {"Release": "old"})

    assert parameters["Release"] == release(TEMPLATE, parameters)[:12]


def test_the_projects_own_template_can_be_named() -> None:
    template = load(CHECKOUT / "infra/template.yaml")
    parameters = values(template, {}, {})

    before = release(template, parameters)

    assert release(template, parameters | {"AlertEmail": "me@example.com"}) == before
    assert release(template, parameters | {"TrafficShift": "AllAtOnce+"}) == before
    for name in ("ModelTtlSeconds", "MlflowTrackingUri", "PredictMemoryMb", "SnapStart"):
        assert release(template, parameters | {name: "31"}) != before, name
