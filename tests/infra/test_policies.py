"""Who may do what: policies name their resources, in the template and in what SAM makes of it."""

from typing import Any

import pytest

from housing_ops.template import load
from infra.reading import TEMPLATE, mappings, of_type, references, strings
from infra.transforming import transformed

UNNAMEABLE = {
    # It takes no resource (a dataset, its one type, holds OTLP metrics), and the condition key
    # ``cloudwatch:namespace`` is one of ``PutMetricData``.
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
    "cloudwatch:GetMetricData",
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
MANAGED = {
    # Of AWS, attached whole: to pull an image and write its log, to move an alias, to log requests.
    "service-role/AmazonECSTaskExecutionRolePolicy",
    "service-role/AWSCodeDeployRoleForLambda",
    "service-role/AmazonAPIGatewayPushToCloudWatchLogs",
}


@pytest.fixture(scope="module", params=["written", "expanded"])
def template(request: pytest.FixtureRequest) -> dict[str, Any]:
    return load(TEMPLATE) if request.param == "written" else transformed(Stage="prod")


def statements(template: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        statement
        for statement in mappings(template["Resources"])
        if "Effect" in statement and "Action" in statement and "Resource" in statement
    ]


def test_every_policy_names_its_resources(template: dict[str, Any]) -> None:
    allowed = [statement for statement in statements(template) if statement["Effect"] == "Allow"]

    assert len(allowed) >= 25
    of_all = [statement for statement in allowed if "*" in strings(statement["Resource"])]
    assert {action for statement in of_all for action in strings(statement["Action"])} == UNNAMEABLE
    assert all(
        "aws:RequestedRegion" in statement["Condition"]["StringEquals"] for statement in of_all
    )


def test_every_policy_names_its_actions(template: dict[str, Any]) -> None:
    allowed = [statement for statement in statements(template) if statement["Effect"] == "Allow"]
    actions = [
        text for statement in allowed for text in strings(statement["Action"]) if ":" in text
    ]

    assert len(actions) >= 50
    assert not [action for action in actions if "*" in action]


def test_a_star_in_a_resource_stands_behind_a_name(template: dict[str, Any]) -> None:
    resources = [
        text for statement in statements(template) for text in strings(statement["Resource"])
    ]

    starred = [text for text in resources if "*" in text and text != "*"]
    assert len(starred) >= 10
    # Any revision of one job definition; what MLflow calls artifacts; one kind of file of many.
    files = ("/models/*/model.onnx", "/jobs/*.json", "/rejected/*/report.json")
    several = {"-training:*", "/*/artifacts/*", *files}
    assert all(text.endswith(("*", *files)) for text in starred)
    plain = [text for text in starred if not text.endswith(tuple(several))]
    assert not [text for text in plain if text.partition("*")[0].endswith(":")]
    assert all(text.count("*") == 1 for text in plain)
    assert len(starred) - len(plain) == 8


def test_managed_policies_are_on_the_list() -> None:
    roles = of_type(transformed(Stage="prod"), "AWS::IAM::Role").values()
    attached = [text for role in roles for text in strings(role.get("ManagedPolicyArns", []))]

    names = {text.partition(":policy/")[2] for text in attached if ":policy/" in text}
    assert names == MANAGED


def test_roles_trust_only_aws_services_for_this_account() -> None:
    trusted = [
        statement
        for role in of_type(transformed(Stage="prod"), "AWS::IAM::Role").values()
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
    ]

    assert len(trusted) >= 8
    assert all(set(statement["Principal"]) == {"Service"} for statement in trusted)
    guarded = {
        service
        for statement in trusted
        for service in strings(statement["Principal"])
        if "aws:SourceAccount" in statement.get("Condition", {}).get("StringEquals", {})
    }
    # The others name no account when they take a role (AWS's pages on them show no condition).
    assert {
        service for statement in trusted for service in strings(statement["Principal"])
    } - guarded == {
        "apigateway.amazonaws.com",
        "codedeploy.amazonaws.com",
        "lambda.amazonaws.com",
    }


@pytest.mark.parametrize("name", ["BucketPolicy", "MlflowBucketPolicy"])
def test_a_bucket_accepts_only_tls(name: str) -> None:
    statement = load(TEMPLATE)["Resources"][name]["Properties"]["PolicyDocument"]["Statement"][0]

    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Action"] == "s3:*"
    assert [text.endswith("/*") for text in strings(statement["Resource"])].count(True) == 1


def test_alarms_may_publish_although_the_topic_has_a_policy() -> None:
    template = load(TEMPLATE)
    allow, deny = template["Resources"]["AlertTopicPolicy"]["Properties"]["PolicyDocument"][
        "Statement"
    ]

    assert allow["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allow["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    # aws/sns is a key whose policy nobody can change, and it does not let alarms in.
    assert "KmsMasterKeyId" not in template["Resources"]["AlertTopic"]["Properties"]


def test_the_job_may_do_what_mlflows_client_asks_of_a_server_that_signs() -> None:
    template = load(TEMPLATE)
    by_sid = {statement.get("Sid"): statement for statement in statements(template)}
    job, admin = by_sid["KeepRunsAndVersions"], by_sid["ChangeRegistry"]
    predict = by_sid["AskRegistry"]

    assert set(predict["Action"]) < set(admin["Action"]) < set(job["Action"])
    assert "sagemaker:CallMlflowAppApi" in job["Action"]
    for statement in (job, admin, predict):
        assert references(statement["Resource"]) == {
            "MlflowServer",
            "MlflowApp",
            "SageMakerMlflowArn",
        }


def test_suppressed_checks_say_why() -> None:
    skipped = [
        skip
        for resource in load(TEMPLATE)["Resources"].values()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", ())
    ]

    assert len(skipped) >= 20
    assert all(len(skip["comment"].split()) >= 4 for skip in skipped)
