"""The deployed template against AWS's quotas: hard ones, and the defaults of the others.

- CloudFormation: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
- IAM: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
- Lambda: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
- Batch: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
- API Gateway: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
- S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html and
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
- SNS: https://docs.aws.amazon.com/general/latest/gr/sns.html
- EventBridge: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html
- CloudWatch: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
- WAF: https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
"""

import json
import tomllib
from typing import Any

import pytest

from housing_ops.checkout import CHECKOUT
from housing_ops.template import load
from infra.reading import TEMPLATE
from infra.transforming import transformed
from permissions.account import ACCOUNT, STACK, WHOLE, Account, account

REGION = "ap-southeast-2"  # none that is offered has a longer name
OF_A_BODY, OF_AN_OBJECT = 51_200, 1_000_000
"""Bytes of a template: within a request, and in a bucket."""
RETENTION = {
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827),
    *(2192, 2557, 2922, 3288, 3653),
}
CAPACITY = {"AWSManagedRulesCommonRuleSet": 700, "AWSManagedRulesKnownBadInputsRuleSet": 200}
OF_A_RATE_RULE = 2


@pytest.fixture(scope="module")
def here() -> Account:
    return account()


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    return load(TEMPLATE)


@pytest.fixture(scope="module")
def expanded() -> dict[str, Any]:
    return transformed(**WHOLE)


def size(value: Any) -> int:
    """Return the characters of a document without white space, as IAM counts."""
    return len(json.dumps(value, separators=(",", ":")))


def stack_names() -> list[str]:
    config = tomllib.loads((CHECKOUT / "samconfig.toml").read_text())
    return [
        stage["deploy"]["parameters"]["stack_name"]
        for stage in config.values()
        if isinstance(stage, dict) and "stack_name" in stage.get("deploy", {}).get("parameters", {})
    ]


def test_the_stack_has_few_enough_parts(written: dict[str, Any], expanded: dict[str, Any]) -> None:
    assert len(written["Parameters"]) <= 200
    assert len(written["Mappings"]) <= 200
    assert 60 <= len(expanded["Resources"]) <= 500
    assert len(expanded["Outputs"]) <= 200
    assert len(written["Description"].encode()) <= 1_024
    for name, described in written["Parameters"].items():
        assert len(name) <= 255
        assert len(described["Description"]) <= 4_000, name
        assert len(str(described["Default"]).encode()) <= 4_096


def test_the_template_fits_in_a_bucket_before_and_after_sams_expansion(
    expanded: dict[str, Any],
) -> None:
    as_written, as_expanded = len(TEMPLATE.read_bytes()), size(expanded)

    # Too long for a request: sam package and the local stack put it into a bucket.
    assert OF_A_BODY < as_written <= OF_AN_OBJECT
    assert as_expanded <= OF_AN_OBJECT


def test_the_policies_of_a_role_fit_together(here: Account) -> None:
    roles = {name: here.properties(name) for name in here.of_type("AWS::IAM::Role")}

    assert len(roles) >= 9
    for name, role in roles.items():
        inline = sum(size(policy["PolicyDocument"]) for policy in role.get("Policies", ()))
        assert inline <= 10_240, name
        assert size(role["AssumeRolePolicyDocument"]) <= 2_048, name
        assert len(role.get("ManagedPolicyArns", ())) <= 10, name


@pytest.mark.parametrize(
    "path", sorted((CHECKOUT / "docs/iam").glob("*.json")), ids=lambda p: p.stem
)
def test_a_policy_that_a_person_gets_fits_as_a_managed_one(path: Any) -> None:
    text = path.read_text().replace("ACCOUNT", ACCOUNT).replace("REGION", REGION)

    assert size(json.loads(text)) <= (2_048 if path.stem.endswith("trust") else 6_144)


def test_the_policies_of_buckets_and_topic_fit(here: Account) -> None:
    for kind, limit in (("AWS::S3::BucketPolicy", 20 * 1024), ("AWS::SNS::TopicPolicy", 30 * 1024)):
        [*names] = here.of_type(kind)
        assert names
        for name in names:
            assert size(here.properties(name)["PolicyDocument"]) <= limit, name


def test_the_permissions_to_call_a_function_fit_into_its_policy(here: Account) -> None:
    policies: dict[str, list[Any]] = {}
    for name in here.of_type("AWS::Lambda::Permission"):
        allowed = here.properties(name)
        statement = {
            "Sid": f"{STACK}-{name}-XXXXXXXXXXXX",
            "Effect": "Allow",
            "Principal": {"Service": allowed["Principal"]},
            "Action": allowed["Action"],
            "Resource": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-predict:live",
            "Condition": {
                "ArnLike": {"AWS:SourceArn": allowed.get("SourceArn")},
                "StringEquals": {"AWS:SourceAccount": allowed.get("SourceAccount")},
            },
        }
        policies.setdefault(allowed["FunctionName"], []).append(statement)

    assert len(policies) == 4
    assert max(map(len, policies.values())) >= 10
    assert max(map(size, policies.values())) <= 20 * 1024


def test_batch_takes_the_job(here: Account) -> None:
    [definition] = (here.properties(name) for name in here.of_type("AWS::Batch::JobDefinition"))
    [queue] = (here.properties(name) for name in here.of_type("AWS::Batch::JobQueue"))

    assert size(definition) <= 24 * 1024
    assert 1 <= len(queue["ComputeEnvironmentOrder"]) <= 3


def test_a_functions_variables_layers_and_times_fit(here: Account) -> None:
    functions = {name: here.properties(name) for name in here.of_type("AWS::Lambda::Function")}

    assert len(functions) == 4
    for name, function in functions.items():
        assert size(function["Environment"]["Variables"]) <= 4 * 1024, name
        assert len(function.get("Layers", ())) <= 5
        assert len(function["FunctionName"]) <= 64
        assert int(function["Timeout"]) <= 900
        assert len(function["Description"]) <= 256


def test_the_apis_resources_and_time_fit(expanded: dict[str, Any], here: Account) -> None:
    paths = expanded["Resources"]["Api"]["Properties"]["Body"]["paths"]
    resources = {
        "/".join(path.split("/")[: depth + 1])
        for path in paths
        for depth in range(1, path.count("/") + 1)
    }

    assert 5 <= len(resources) <= 300
    assert size(expanded["Resources"]["Api"]["Properties"]["Body"]) <= 6 * 1024 * 1024
    for name in ("PredictFunction", "AdminFunction"):
        assert here.properties(name)["Timeout"] <= 29


@pytest.mark.parametrize("stack", stack_names())
def test_names_made_of_the_stacks_are_short_enough(stack: str) -> None:
    assert len(f"{stack}-mlflow-{ACCOUNT}-{REGION}") <= 63
    assert len(f"{stack}-predictions") <= 64  # a delivery stream's, and a function's is shorter
    assert len(stack) <= 64  # a tracking server's is 256, a work group's 128


def test_every_retention_is_one_that_cloudwatch_takes(written: dict[str, Any]) -> None:
    assert set(written["Parameters"]["LogRetentionDays"]["AllowedValues"]) <= RETENTION


def test_the_schedules_events_are_short_enough(expanded: dict[str, Any]) -> None:
    inputs = [
        target.get("Input", "")
        for resource in expanded["Resources"].values()
        if resource["Type"] == "AWS::Events::Rule"
        for target in resource["Properties"]["Targets"]
    ]

    assert any(inputs)
    assert max(map(len, inputs)) <= 8_192


def test_the_web_acl_needs_no_more_than_is_included(here: Account) -> None:
    [acl] = (here.properties(name) for name in here.of_type("AWS::WAFv2::WebACL"))
    units = 0
    for rule in acl["Rules"]:
        group = rule["Statement"].get("ManagedRuleGroupStatement")
        units += CAPACITY[group["Name"]] if group else OF_A_RATE_RULE

    assert units <= 1_500
