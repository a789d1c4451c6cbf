"""What AWS would say: every call is let through, what must not pass is refused, nothing is idle."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from housing_ops.checkout import CHECKOUT
from permissions.account import (
    ACCOUNT,
    HOOK_ARN,
    MLFLOW_ARN,
    REGION,
    SLACK_ARN,
    STACK,
    Account,
    account,
)
from permissions.calls import CALLS, REFUSED, Call
from permissions.evaluator import Request, Statement, as_list, fits, is_allowed

AT = f"{REGION}:{ACCOUNT}"
ROLES = {
    "predict": "PredictFunctionRole",
    "admin": "AdminFunctionRole",
    "retrain": "RetrainFunctionRole",
    "notify": "NotifyFunctionRole",
    "job": "JobRole",
}
DOCUMENTS = {
    "uploader": ("uploader",),
    "operator": ("operator",),
    "deployer": ("deployer", "deployer-services"),
}
IDLE = {
    # Which of its resources AWS asks it for, where SubmitJob has tags, is written nowhere.
    ("retrain", "batch:TagResource", f"arn:aws:batch:{AT}:job-queue/{STACK}-JobQueue"),
    ("retrain", "batch:TagResource", f"arn:aws:batch:{AT}:job-definition/{STACK}-training:*"),
}
"""What is allowed though no call is known to need it."""


@pytest.fixture(scope="module")
def here() -> Account:
    return account()


@pytest.fixture(scope="module")
def names(here: Account) -> dict[str, str]:
    """Return what the table's names stand for."""
    logs = {
        f"logs-{name}": f"arn:aws:logs:{AT}:log-group:/aws/lambda/{STACK}-{name}"
        for name in ("predict", "admin", "retrain", "notify", "of-others")
    }
    return {
        **logs,
        "at": AT,
        "name": STACK,
        "region": REGION,
        "bucket": here.arn("Bucket"),
        "artifacts": "arn:aws:s3:::artifacts-of-mlflow",
        "packages": "arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-1",
        "topic": here.arn("AlertTopic"),
        "keys": here.arn("ApiKeysSecret"),
        "slack": SLACK_ARN,
        "hook": HOOK_ARN,
        "unposted": here.arn("UnpostedAlerts"),
        "queue": here.arn("JobQueue"),
        "definition": here.arn("JobDefinition").rpartition(":")[0],
        "job": f"arn:aws:batch:{AT}:job/0f1e",
        "mlflow": MLFLOW_ARN,
        "gateway": f"arn:aws:apigateway:{REGION}::",
        "plan": "a1b2c3",
        "stack": f"arn:aws:cloudformation:{AT}:stack/{STACK}/0f1e",
        "stack-of-others": f"arn:aws:cloudformation:{AT}:stack/of-others/0f1e",
        "transform": f"arn:aws:cloudformation:{REGION}:aws:transform/Serverless-2016-10-31",
        "role-of-others": f"arn:aws:iam::{ACCOUNT}:role/of-others",
    }


def own_statements(here: Account, role: str) -> list[Statement]:
    """Return what a role's policies say; those of people are in docs/iam."""
    if role in ROLES:
        policies = here.properties(ROLES[role])["Policies"]
        return [one for policy in policies for one in policy["PolicyDocument"]["Statement"]]
    put_in = {"STACK": STACK, "ACCOUNT": ACCOUNT, "REGION": REGION, "USAGE_PLAN": "a1b2c3"}
    statements: list[Statement] = []
    for document in DOCUMENTS[role]:
        text = (CHECKOUT / f"docs/iam/{document}.json").read_text()
        for placeholder, value in put_in.items():
            text = text.replace(placeholder, value)
        statements += json.loads(text)["Statement"]
    return statements


def of_resources(here: Account) -> list[Statement]:
    """Return what the policies of the buckets and of the topic say."""
    kinds = ("AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy")
    return [
        one
        for kind in kinds
        for name in here.of_type(kind)
        for one in here.properties(name)["PolicyDocument"]["Statement"]
    ]


Table = Mapping[str, tuple[Call, ...]]


def passing(here: Account, names: Mapping[str, str], table: Table) -> dict[tuple[str, Call], bool]:
    """Return whether each call is let through: all that IAM is asked for it has to be."""
    others = of_resources(here)
    owns = {role: own_statements(here, role) for role in table}
    return {
        (role, call): all(is_allowed(one, owns[role], others) for one in call.requests(names))
        for role, calls in table.items()
        for call in calls
    }


def test_every_call_is_allowed(here: Account, names: dict[str, str]) -> None:
    calls = passing(here, names, CALLS)

    assert len(calls) >= 150
    assert [call for call, passes in calls.items() if not passes] == []


def test_calls_that_must_be_denied_are_denied(here: Account, names: dict[str, str]) -> None:
    calls = passing(here, names, REFUSED)

    assert len(calls) >= 90
    assert [call for call, passes in calls.items() if passes] == []


@pytest.mark.parametrize("role", [*ROLES, "uploader", "operator"])
def test_every_permission_is_needed_by_a_call(
    here: Account, names: dict[str, str], role: str
) -> None:
    asked = [request for call in CALLS[role] for request in call.requests(names)]

    granted = [
        (action, resource, {**statement, "Action": action, "Resource": resource})
        for statement in own_statements(here, role)
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    ]
    idle = {
        (role, action, resource)
        for action, resource, alone in granted
        if not any(fits(alone, request) for request in asked)
    }
    assert len(granted) >= 5
    assert idle == {one for one in IDLE if one[0] == role}


@pytest.mark.parametrize("role", sorted(CALLS))
def test_nothing_passes_from_elsewhere_or_in_the_clear(
    here: Account, names: dict[str, str], role: str
) -> None:
    own, others = own_statements(here, role), of_resources(here)
    of_the_bucket = [
        Request(one.action, one.resource, {**one.context, "aws:SecureTransport": "false"})
        for call in CALLS[role]
        for one in call.requests(names)
        if one.resource.startswith(names["bucket"])
    ]
    metrics = Request("cloudwatch:GetMetricData", "*", {"aws:RequestedRegion": "eu-west-1"})

    assert [one for one in of_the_bucket if is_allowed(one, own, others)] == []
    assert not is_allowed(metrics, own, others)


def test_alarms_reach_the_topic_and_those_of_other_accounts_do_not(
    here: Account, names: dict[str, str]
) -> None:
    def asked(of: str) -> Request:
        context = {"aws:SourceAccount": of, "aws:SecureTransport": "true"}
        return Request("sns:Publish", names["topic"], context, "cloudwatch.amazonaws.com")

    assert is_allowed(asked(ACCOUNT), (), of_resources(here))
    assert not is_allowed(asked("999999999999"), (), of_resources(here))


def test_firehose_writes_its_errors_into_a_stream_that_is_there(here: Account) -> None:
    [stream] = (here.properties(name) for name in here.of_type("AWS::Logs::LogStream"))
    [firehose] = (
        here.properties(name) for name in here.of_type("AWS::KinesisFirehose::DeliveryStream")
    )
    logging = firehose["ExtendedS3DestinationConfiguration"]["CloudWatchLoggingOptions"]
    resource = (
        f"arn:aws:logs:{AT}:log-group:{logging['LogGroupName']}"
        f":log-stream:{logging['LogStreamName']}"
    )
    [policy] = here.properties("PredictionStreamRole")["Policies"]
    own = policy["PolicyDocument"]["Statement"]

    assert (logging["LogGroupName"], logging["LogStreamName"]) == (
        stream["LogGroupName"],
        stream["LogStreamName"],
    )
    assert is_allowed(Request("logs:PutLogEvents", resource), own)


def test_a_registry_that_the_stack_makes_is_asked_like_another() -> None:
    for kind, name in (("tracking-server", "MlflowServer"), ("app", "MlflowApp")):
        made = account(**{**PARAMETERS_OF_BATCH, "MlflowManaged": kind})
        own = own_statements(made, "job")

        assert is_allowed(Request("sagemaker-mlflow:CreateRun", made.arn(name)), own)
        key = f"{made.arn('MlflowBucket')}/1/models/m-1/artifacts/model.onnx"
        assert is_allowed(Request("s3:PutObject", key), own, of_resources(made))


PARAMETERS_OF_BATCH: Mapping[str, Any] = {"Stage": "dev", "JobLauncher": "batch"}
