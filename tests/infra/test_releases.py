"""How a new version of predict comes to be served, in the template as SAM expands it."""

import json
from typing import Any

import pytest

from housing.api_keys import Scope
from housing_ops.checkout import CHECKOUT
from infra.reading import ADMINS, of_type, references
from infra.transforming import transformed
from predict.access.auth import required_scope

CANARY = "Canary10Percent5Minutes"
RELEASE = "0123456789abcdef"


@pytest.fixture(scope="module")
def prod() -> dict[str, Any]:
    return transformed(Stage="prod", TrafficShift=CANARY, Release=RELEASE)


def versions(template: dict[str, Any]) -> list[str]:
    return list(of_type(template, "AWS::Lambda::Version"))


def test_the_api_calls_the_alias_and_may(prod: dict[str, Any]) -> None:
    [alias] = of_type(prod, "AWS::Lambda::Alias")
    called = functions_by_route(prod)
    permitted = [
        permission["FunctionName"]["Ref"]
        for permission in of_type(prod, "AWS::Lambda::Permission").values()
        if permission["Principal"] == "apigateway.amazonaws.com"
    ]

    assert sorted(permitted) == sorted(called.values())
    assert set(permitted) == {alias, "AdminFunction"}


def test_the_admin_function_has_its_own_paths_and_no_others(
    prod: dict[str, Any],
) -> None:
    [alias] = of_type(prod, "AWS::Lambda::Alias")

    # A method that one of these paths lacked would fall through to predict, or be refused.
    assert {route for route, name in functions_by_route(prod).items() if name != alias} == {
        (path, method) for path in ADMINS for method in ("get", "head", "post", "options")
    } | {("/hooks/registry", "post")}


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (path, method)
        for path, methods in json.loads((CHECKOUT / "docs/openapi.json").read_text())[
            "paths"
        ].items()
        for method in methods
    ],
)
def test_no_route_with_changes_belongs_to_predict(
    prod: dict[str, Any], path: str, method: str
) -> None:
    route, name = served(functions_by_route(prod), path, method)

    is_admins = required_scope(method.upper(), path) is Scope.ADMIN or path.startswith("/models")
    assert name == "AdminFunction" if is_admins else name != "AdminFunction", route


def functions_by_route(template: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the logical id of the function, or its alias, that each path and method calls."""
    paths = template["Resources"]["Api"]["Properties"]["Body"]["paths"]
    return {
        (path, method): next(
            iter(references(operation["x-amazon-apigateway-integration"]["uri"]) - {"AWS::Region"})
        )
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def served(
    functions: dict[tuple[str, str], str], path: str, method: str
) -> tuple[tuple[str, str], str]:
    """Return the route that takes a request: a literal path before a greedy one, the longer first.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-set-up-simple-proxy.html
    """
    fitting = [
        (known, how)
        for known, how in functions
        if how == method
        and (path == known or known.endswith("{proxy+}"))
        and path.startswith(known.removesuffix("{proxy+}"))
    ]
    best = max(fitting, key=lambda one: ("{" not in one[0], len(one[0])))
    return best, functions[best]


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


def test_codedeploy_moves_the_alias_and_checks_the_alarms(prod: dict[str, Any]) -> None:
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
        name: (references(resource) | depends_on(resource)) & set(resources)
        for name, resource in resources.items()
    }

    while waits_for:
        ready = {name for name, others in waits_for.items() if not others}
        assert ready, f"these wait for each other: {sorted(waits_for)}"
        waits_for = {
            name: others - ready for name, others in waits_for.items() if name not in ready
        }


def depends_on(resource: dict[str, Any]) -> set[str]:
    depends = resource.get("DependsOn", [])
    return {depends} if isinstance(depends, str) else set(depends)


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
        for name, resource in local["Resources"].items()
        if resource["Type"].startswith("AWS::CodeDeploy::")
    ]
