"""How a new version of predict comes to be served, in the template as SAM expands it."""

from typing import Any

import pytest

from infra.reading import of_type, references
from infra.transforming import transformed

CANARY = "Canary10Percent5Minutes"
RELEASE = "0123456789abcdef"


@pytest.fixture(scope="module")
def prod() -> dict[str, Any]:
    return transformed(Stage="prod", TrafficShift=CANARY, Release=RELEASE)


def versions(template: dict[str, Any]) -> list[str]:
    return list(of_type(template, "AWS::Lambda::Version"))


def test_the_api_calls_the_alias_and_may(prod: dict[str, Any]) -> None:
    [alias] = of_type(prod, "AWS::Lambda::Alias")
    paths = prod["Resources"]["Api"]["Properties"]["Body"]["paths"]
    called = [
        references(method["x-amazon-apigateway-integration"]["uri"])
        for path in paths.values()
        for method in path.values()
    ]
    permitted = [
        found["FunctionName"]
        for found in of_type(prod, "AWS::Lambda::Permission").values()
        if found["Principal"] == "apigateway.amazonaws.com"
    ]

    assert len(called) == len(permitted) == 4
    assert all(alias in found for found in called)
    assert permitted == [{"Ref": alias}] * 4


def test_the_alias_names_the_version_that_is_published(prod: dict[str, Any]) -> None:
    [alias] = of_type(prod, "AWS::Lambda::Alias").values()
    [version] = versions(prod)

    assert alias["Name"] == "live"
    assert alias["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}


def test_the_version_has_a_snapshot_where_the_runtime_can(prod: dict[str, Any]) -> None:
    function = prod["Resources"]["PredictFunction"]["Properties"]

    assert function["SnapStart"] == {
        "ApplyOn": {"Fn::If": ["StartsFromSnapshots", "PublishedVersions", "None"]}
    }
    assert "EphemeralStorage" not in function  # above 512 MB there are no snapshots
    assert "VpcConfig" not in function


def test_codedeploy_moves_the_alias_and_asks_the_alarms(prod: dict[str, Any]) -> None:
    [(group_name, group)] = of_type(prod, "AWS::CodeDeploy::DeploymentGroup").items()
    [alias] = of_type(prod, "AWS::Lambda::Alias")
    policy = prod["Resources"][alias]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    condition, asked, unasked = group["AlarmConfiguration"]["Fn::If"]

    assert policy["DeploymentGroupName"] == {"Ref": group_name}
    assert CANARY in str(group["DeploymentConfigName"])
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    assert (condition, unasked) == ("AlarmsRollBack", {})
    assert asked["Enabled"]
    assert [alarm["Name"]["Ref"] for alarm in asked["Alarms"]] == [
        "NewVersionErrorAlarm",
        "ServerErrorAlarm",
    ]


def test_an_alarm_that_undoes_a_release_rings_within_its_first_five_minutes(
    prod: dict[str, Any],
) -> None:
    for name in ("NewVersionErrorAlarm", "ServerErrorAlarm"):
        alarm = prod["Resources"][name]["Properties"]
        assert alarm["Period"] * alarm["EvaluationPeriods"] <= 3 * 60
        assert alarm["TreatMissingData"] == "notBreaching"


def test_one_of_the_alarms_watches_the_version_that_is_brought(prod: dict[str, Any]) -> None:
    dimensions = prod["Resources"]["NewVersionErrorAlarm"]["Properties"]["Dimensions"]
    [version] = versions(prod)

    assert {"Name": "ExecutedVersion", "Value": {"Fn::GetAtt": [version, "Version"]}} in dimensions


def test_nothing_waits_for_itself(prod: dict[str, Any]) -> None:
    resources = prod["Resources"]
    waits_for = {
        name: (references(found) | depends_on(found)) & set(resources)
        for name, found in resources.items()
    }

    while waits_for:
        ready = {name for name, others in waits_for.items() if not others}
        assert ready, f"these wait for each other: {sorted(waits_for)}"
        waits_for = {
            name: others - ready for name, others in waits_for.items() if name not in ready
        }


def depends_on(resource: dict[str, Any]) -> set[str]:
    found = resource.get("DependsOn", [])
    return {found} if isinstance(found, str) else set(found)


def test_a_release_is_a_new_version_whatever_changed() -> None:
    first = transformed(Stage="prod", Release="a" * 12)
    second = transformed(Stage="prod", Release="b" * 12)

    assert versions(first) != versions(second)


def test_without_a_release_new_code_is_a_new_version_and_a_parameter_is_none() -> None:
    first = transformed(Stage="prod")

    assert versions(first) != versions(transformed(code="new", Stage="prod"))
    assert versions(first) == versions(transformed(Stage="prod", ModelTtlSeconds="7"))


def test_a_changed_layer_is_a_new_version() -> None:
    layers = of_type(transformed(), "AWS::Lambda::LayerVersion")

    assert len(layers) == 2
    function = transformed(code="new")["Resources"]["PredictFunction"]["Properties"]
    assert {layer["Ref"] for layer in function["Layers"]}.isdisjoint(layers)


def test_a_local_endpoint_gets_an_alias_and_no_codedeploy() -> None:
    local = transformed(Stage="local", FunctionRuntime="provided.al2023")

    assert of_type(local, "AWS::Lambda::Alias")
    assert not [
        name
        for name, found in local["Resources"].items()
        if found["Type"].startswith("AWS::CodeDeploy::")
    ]
