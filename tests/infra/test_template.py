"""What must hold of the template before it is deployed anywhere."""

import json
from datetime import timedelta
from typing import Any, get_args

import pytest
from cfnlint.api import lint_file

from housing.jobs.restarts import SWEEP_EVERY, RestartRules
from housing.s3.layout import NEW_DATA
from housing_ops.template import load
from infra.lint_expanded import STAGES, expanded, findings
from infra.reading import ADMINS, TEMPLATE, of_type
from local_stack.settings import StackSettings
from notify.settings import NotifySettings
from permissions.account import account
from predict.settings import PredictSettings
from retrain.settings import RetrainSettings
from retrain.sweep.sweeper import LAUNCH_SECONDS
from retrain.training.model.engines import EngineName


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return load(TEMPLATE)


def test_cfn_lint_finds_nothing() -> None:
    assert lint_file(TEMPLATE) == []


def test_cfn_lint_finds_nothing_in_what_sam_makes_of_it_for_any_stage() -> None:
    templates = expanded()

    assert sorted(stage for stages in templates.values() for stage in stages) == list(STAGES)
    assert [findings(template) for template in templates] == [[]] * len(templates)


def test_dependencies_name_existing_resources() -> None:
    parameters = {"ApiAccessLogs": "on"}
    here = account(**{"Stage": "prod", **parameters})

    waiting = {
        name: {one} if isinstance(one := resource["DependsOn"], str) else set(one)
        for name, resource in here.resources.items()
        if "DependsOn" in resource
    }
    assert len(waiting) >= 2
    assert {
        name: left for name, some in waiting.items() if (left := some - set(here.resources))
    } == {}


def test_only_health_ping_the_page_and_the_signed_hook_are_open(template: dict[str, Any]) -> None:
    [api] = of_type(template, "AWS::Serverless::Api").values()
    routes = [
        event["Properties"]
        for function in of_type(template, "AWS::Serverless::Function").values()
        for event in function["Events"].values()
        if event["Type"] == "Api"
    ]

    open_routes = {
        f"{route['Method']} {route['Path']}"
        for route in routes
        if not route.get("Auth", {}).get("ApiKeyRequired", True)
    }

    assert len(routes) >= 12
    assert api["Auth"]["ApiKeyRequired"] is True
    open_paths = {"GET /health", "GET /ping", "HEAD /health", "HEAD /ping"}
    open_paths |= {"GET /page/{proxy+}"}
    open_paths |= {f"{method} {path}" for method in ("GET", "HEAD") for path in ("/", "/docs")}
    assert open_routes == open_paths | {"POST /hooks/registry"} | {
        f"OPTIONS {path}" for path in ("/{proxy+}", *ADMINS)
    }


def test_a_production_without_keys_is_refused(template: dict[str, Any]) -> None:
    rule = template["Rules"]["ProductionAsksForKeys"]

    assert template["Parameters"]["Auth"]["Default"] == "keys"
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    assert [assertion["Assert"] for assertion in rule["Assertions"]] == [
        {"Fn::Equals": [{"Ref": "Auth"}, "keys"]}
    ]


def test_the_bucket_notifies_of_all_that_the_code_may_call_an_upload(
    template: dict[str, Any],
) -> None:
    [function] = [
        properties
        for properties in of_type(template, "AWS::Serverless::Function").values()
        if properties["Handler"].startswith("retrain.")
    ]
    event = function["Events"]["NewData"]["Properties"]

    assert event["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": NEW_DATA}]
    assert event["Events"] == ["s3:ObjectCreated:*"]


def test_the_engine_reaches_the_job_with_both_launchers(
    template: dict[str, Any],
) -> None:
    job = template["Resources"]["JobDefinition"]["Properties"]["ContainerProperties"]
    by_function = template["Resources"]["RetrainFunction"]["Properties"]["Environment"]["Variables"]
    engine = {"Ref": "TrainingEngine"}

    assert template["Parameters"]["TrainingEngine"]["AllowedValues"] == [*get_args(EngineName)]
    assert {"Name": "HOUSING_ENGINE", "Value": engine} in job["Environment"]
    assert engine in by_function["HOUSING_ENGINE"]["Fn::If"]
    more = {"Ref": "TrainingSettings"}
    assert {"Name": "HOUSING_TRAINING_SETTINGS", "Value": more} in job["Environment"]
    assert more in by_function["HOUSING_TRAINING_SETTINGS"]["Fn::If"]


def test_a_job_has_the_same_time_limit_with_both_launchers(template: dict[str, Any]) -> None:
    job = template["Resources"]["JobDefinition"]["Properties"]
    by_function = template["Resources"]["RetrainFunction"]["Properties"]["Environment"]["Variables"]
    parameter = template["Parameters"]["TrainingTimeoutSeconds"]
    name, time = "HOUSING_TRAINING_TIMEOUT_SECONDS", {"Ref": "TrainingTimeoutSeconds"}

    assert job["Timeout"] == {"AttemptDurationSeconds": time}
    assert {"Name": name, "Value": time} in job["ContainerProperties"]["Environment"]
    assert time in by_function[name]["Fn::If"]
    for settings in (RetrainSettings, StackSettings):
        field = settings.model_fields["training_timeout_seconds"]
        assert field.default == parameter["Default"]


def test_the_sweep_is_called_as_often_as_the_command_line_waits_for_it(
    template: dict[str, Any],
) -> None:
    retrain = template["Resources"]["RetrainFunction"]["Properties"]
    schedule = retrain["Events"]["Sweep"]["Properties"]["Schedule"]

    assert schedule == f"rate({SWEEP_EVERY // timedelta(minutes=1)} minutes)"
    assert timedelta(seconds=retrain["Timeout"]) < RestartRules().abandoned_after
    assert retrain["Timeout"] > LAUNCH_SECONDS


def test_the_schedule_of_the_admin_function_sends_the_sample_event(
    template: dict[str, Any],
) -> None:
    schedule = template["Resources"]["AdminFunction"]["Properties"]["Events"]["Audit"]["Properties"]

    sample = json.loads((TEMPLATE.parents[1] / "events/audit-aliases.ok.json").read_text())
    assert json.loads(schedule["Input"]) == sample


def test_handlers_and_code_folders_exist(template: dict[str, Any]) -> None:
    for function in of_type(template, "AWS::Serverless::Function").values():
        module, _, _ = function["Handler"].rpartition(".")
        folder = (TEMPLATE.parent / function["CodeUri"]).resolve()
        assert (folder.parent / (module.replace(".", "/") + ".py")).is_file()
    for layer in of_type(template, "AWS::Serverless::LayerVersion").values():
        assert (TEMPLATE.parent / layer["ContentUri"]).resolve().is_dir()


def conditional_on(template: dict[str, Any], condition: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource.get("Condition") == condition
    }


def test_an_address_for_alerts_is_subscribed_to_the_topic(template: dict[str, Any]) -> None:
    assert template["Conditions"]["HasAlertEmail"] == is_given("AlertEmail")
    assert list(conditional_on(template, "HasAlertEmail").values()) == [
        {"TopicArn": {"Ref": "AlertTopic"}, "Protocol": "email", "Endpoint": {"Ref": "AlertEmail"}}
    ]


def test_the_slack_notifier_is_made_only_with_a_secret_and_reads_only_that(
    template: dict[str, Any],
) -> None:
    made = conditional_on(template, "HasSlackSecret")
    function = made["NotifyFunction"]
    [policy] = made["NotifyFunctionRole"]["Policies"]
    reading = [
        (statement["Effect"], statement["Action"], statement["Resource"])
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Sid"] not in ("WriteLog", "WriteTraces", "KeepUnpostedAlerts")
    ]

    assert template["Conditions"]["HasSlackSecret"] == is_given("SlackSecretArn")
    assert set(made) == {*("NotifyFunction", "NotifyFunctionRole", "NotifyLogs", "UnpostedAlerts")}
    assert function["Events"] == {
        "Alert": {"Type": "SNS", "Properties": {"Topic": {"Ref": "AlertTopic"}}}
    }
    assert reading == [("Allow", "secretsmanager:GetSecretValue", {"Ref": "SlackSecretArn"})]
    assert function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"] == {
        "Type": "SQS",  # the topic is what it listens to
        "Destination": {"Fn::GetAtt": ["UnpostedAlerts", "Arn"]},
    }


def test_a_webhook_is_slacks_own_unless_another_host_is_named(template: dict[str, Any]) -> None:
    default = NotifySettings.model_fields["slack_origin"].default

    assert template["Parameters"]["SlackOrigin"]["Default"] == default
    assert default == "https://hooks.slack.com"


def test_a_launch_that_fails_for_good_reaches_the_topic(template: dict[str, Any]) -> None:
    function = template["Resources"]["RetrainFunction"]["Properties"]

    assert function["EventInvokeConfig"]["DestinationConfig"] == {
        "OnFailure": {"Type": "SNS", "Destination": {"Ref": "AlertTopic"}}
    }


def is_given(parameter: str) -> dict[str, Any]:
    return {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}


def test_every_log_group_ends_some_day(template: dict[str, Any]) -> None:
    groups = of_type(template, "AWS::Logs::LogGroup")

    assert len(groups) >= 2
    assert all("RetentionInDays" in group for group in groups.values())


def test_the_shadow_is_off_unless_it_is_asked_for(template: dict[str, Any]) -> None:
    settings = PredictSettings.model_fields
    parameters = template["Parameters"]

    assert parameters["ShadowShare"]["Default"] == settings["shadow_share"].default == 0
    assert parameters["ShadowBudgetMs"]["Default"] == settings["shadow_budget_ms"].default
