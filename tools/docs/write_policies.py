"""Write the policies of ``docs/iam`` that deploy; ``python tools/docs/write_policies.py``.

CloudFormation acts with the rights of who calls it. What it needs to make, read, change and delete
a resource of a type stands in the type's own schema, as AWS publishes it (here: cfn-lint's copy).
Left out is what serves features that this template does not use.
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

FOLDER = Path(__file__).resolve().parents[2] / "docs/iam"
MANAGED_POLICY_CHARACTERS = 6_144  # without spaces
_REGION = "us-east-1"
_HANDLERS = ("create", "read", "update", "delete")

TYPES: Mapping[str, tuple[str, ...]] = {
    "deployer": (
        "AWS::ApiGateway::Account",
        "AWS::ApiGateway::Deployment",
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGateway::Stage",
        "AWS::ApiGateway::UsagePlan",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::CodeDeploy::Application",
        "AWS::CodeDeploy::DeploymentGroup",
        "AWS::Events::Rule",
        "AWS::IAM::Role",
        "AWS::Lambda::Alias",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::Function",
        "AWS::Lambda::LayerVersion",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Version",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
    ),
    "deployer-services": (
        "AWS::Athena::NamedQuery",
        "AWS::Athena::WorkGroup",
        "AWS::Batch::ComputeEnvironment",
        "AWS::Batch::JobDefinition",
        "AWS::Batch::JobQueue",
        "AWS::Glue::Database",
        "AWS::Glue::Table",
        "AWS::KinesisFirehose::DeliveryStream",
        "AWS::Logs::LogGroup",
        "AWS::Logs::LogStream",
        "AWS::Logs::SubscriptionFilter",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::Queue",
        "AWS::SageMaker::MlflowApp",
        "AWS::SageMaker::MlflowTrackingServer",
        "AWS::SecretsManager::Secret",
        "AWS::WAFv2::WebACL",
        "AWS::WAFv2::WebACLAssociation",
    ),
}
"""What the template may make, by the policy that allows it: one would be longer than IAM takes."""

_UNUSED = re.compile(
    r"^(amplify|apprunner|appsync|bedrock-agentcore|cognito-idp|ec2|eks|elasticfilesystem"
    r"|elasticloadbalancing|kms|lakeformation|payments|s3files|s3tables):"
    r"|AccessPolicy|AccessEntry|Abac|Accelerate|Analytics|Bearer|CapacityProvider|CodeSigning|Cors$|CORS"
    r"|Connection$|DataProtection|DeleteBucketEncryption|DeleteBucketLifecycle|DeletionProtection|DeleteObject|IndexPolic|IntelligentTiering|Inventory"
    r"|LogDelivery|MetadataTable|MetadataAnnotation|MetadataInventory|MetadataJournal|MetricsConfig"
    r"|Multipart"
    r"|PutBucketAcl|ObjectAcl|ObjectLock|OnPremises|PermissionsBoundary|ProvisionedConcurrency|RandomPassword"
    r"|RecursionConfig|Replica|RuntimeAlias|RuntimeManagement|ScalingConfig|SchemaVersion"
    r"|logs:(Put|Delete)ResourcePolicy"
    r"|DeleteBucketTagging"  # the schema names it, IAM does not: PutBucketTagging deletes them, too
    r"|UpdateRestApiPolicy|Website|KmsKey|RegionsTo|RegionsFrom|REST\.|IdentityCenter|SetCapacityTags"
)

_OWN = {
    "deployer": (
        *(
            f"cloudformation:{name}"
            for name in (
                *("CreateChangeSet", "DeleteChangeSet", "DescribeChangeSet", "ExecuteChangeSet"),
                *("DescribeEvents", "DescribeStackEvents", "DescribeStacks", "GetTemplate"),
                *("GetTemplateSummary", "ListStackResources", "DeleteStack"),
                "UpdateTerminationProtection",
            )
        ),
        *("s3:GetObject", "s3:PutObject", "s3:GetBucketLocation", "s3:ListBucket"),
        *("apigateway:GET", "apigateway:POST", "apigateway:DELETE"),
    ),
    "deployer-services": ("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"),
}
"""What make deploy itself asks for: change sets, packages, and the smoke test's own key."""

_PACKAGES = "arn:aws:s3:::aws-sam-cli-managed-default-*"
_NAMED: Mapping[str, tuple[str, ...]] = {
    "apigateway": (
        "arn:aws:apigateway:*::/account",
        "arn:aws:apigateway:*::/apikeys",
        "arn:aws:apigateway:*::/apikeys/*",
        "arn:aws:apigateway:*::/restapis",
        "arn:aws:apigateway:*::/restapis/*",
        "arn:aws:apigateway:*::/tags/*",
        "arn:aws:apigateway:*::/usageplans",
        "arn:aws:apigateway:*::/usageplans/*",
    ),
    "athena": ("arn:aws:athena:*:*:workgroup/housing-*",),
    "batch": (
        "arn:aws:batch:*:*:compute-environment/*",
        "arn:aws:batch:*:*:job-definition/housing-*",
        "arn:aws:batch:*:*:job-queue/*",
    ),
    "cloudformation": (
        "arn:aws:cloudformation:*:*:stack/housing-*/*",
        "arn:aws:cloudformation:*:*:stack/aws-sam-cli-managed-default/*",
        "arn:aws:cloudformation:*:aws:transform/Serverless-2016-10-31",
    ),
    "cloudwatch": (
        "arn:aws:cloudwatch:*:*:alarm:housing-*",
        "arn:aws:cloudwatch::*:dashboard/housing-*",
    ),
    "codedeploy": (
        "arn:aws:codedeploy:*:*:application:housing-*",
        "arn:aws:codedeploy:*:*:deploymentgroup:housing-*",
        "arn:aws:codedeploy:*:*:deploymentconfig:*",
    ),
    "events": ("arn:aws:events:*:*:rule/housing-*",),
    "firehose": ("arn:aws:firehose:*:*:deliverystream/housing-*",),
    "glue": (
        "arn:aws:glue:*:*:catalog",
        "arn:aws:glue:*:*:database/housing*",
        "arn:aws:glue:*:*:table/housing*",
    ),
    "iam": ("arn:aws:iam::*:role/housing-*",),
    "lambda": ("arn:aws:lambda:*:*:function:housing-*", "arn:aws:lambda:*:*:layer:housing-*"),
    "logs": ("arn:aws:logs:*:*:log-group:*housing-*",),
    "s3": (
        "arn:aws:s3:::housing-*",
        _PACKAGES,
    ),
    "sagemaker": (
        "arn:aws:sagemaker:*:*:mlflow-tracking-server/housing-*",
        "arn:aws:sagemaker:*:*:mlflow-app/*",
    ),
    "secretsmanager": ("arn:aws:secretsmanager:*:*:secret:housing-*",),
    "sns": ("arn:aws:sns:*:*:housing-*",),
    "sqs": ("arn:aws:sqs:*:*:housing-*",),
    "wafv2": (
        "arn:aws:wafv2:*:*:regional/webacl/*",
        "arn:aws:wafv2:*:*:regional/managedruleset/*",  # AWS's rules, which the web ACL names
        "arn:aws:apigateway:*::/restapis/*",
    ),
}
"""What each service's actions may touch: stacks are named housing-…, and so is what they hold."""

_SERVICE_ROLES = (
    *("apigateway", "batch", "codedeploy", "ecs-tasks", "firehose", "lambda", "logs", "sagemaker"),
)
_LINKED_ROLES = ("batch", "spotfleet", "ecs", "wafv2", "ops.apigateway")


def policies() -> dict[str, dict[str, Any]]:
    """Return the policies, by the name of their file."""
    return {name: _policy(kinds, _OWN[name]) for name, kinds in TYPES.items()}


def needed_by(kind: str) -> set[str]:
    """Return the actions that CloudFormation takes for a type of resource, as far as used here."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(_REGION, kind).schema
    handlers = schema["handlers"]
    named = {action for one in _HANDLERS for action in handlers.get(one, {}).get("permissions", ())}
    named |= set(schema.get("tagging", {}).get("permissions", ()))  # SAM and samconfig.toml tag
    lower = {service.lower() + ":" + action for service, action in (a.split(":") for a in named)}
    return {action for action in lower if not _UNUSED.search(action)}


def _policy(kinds: Iterable[str], own: Iterable[str]) -> dict[str, Any]:
    actions = set(own).union(*(needed_by(kind) for kind in kinds))
    statements: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for action in actions - {"iam:PassRole", "iam:CreateServiceLinkedRole"}:
        statements[_resources(action)].add(action)
    written = [
        {"Effect": "Allow", "Action": sorted(some), "Resource": _one(resources)}
        for resources, some in sorted(statements.items())
    ]
    return {"Version": "2012-10-17", "Statement": [*written, *_roles(actions)]}


def _one(values: tuple[str, ...]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


def _resources(action: str) -> tuple[str, ...]:
    """Return what an action may touch; everything where IAM knows no resource for it."""
    service, _, name = action.partition(":")
    known = _iam()[service]["Actions"].get(name.lower(), {})
    if service == "s3" and "Object" in name:
        return (f"{_PACKAGES}/*",)  # the packages; who deploys reads no data
    return _NAMED[service] if known.get("Resources") or service == "apigateway" else ("*",)


@cache
def _iam() -> dict[str, Any]:
    """Return which resources each action takes, as AWS's service authorization reference has it."""
    text = files("cfnlint").joinpath("data/AdditionalSpecs/Policies.json").read_text()
    policy: dict[str, Any] = json.loads(text)
    return policy


def _roles(actions: set[str]) -> list[dict[str, Any]]:
    passed = {"iam:PassedToService": [f"{name}.amazonaws.com" for name in _SERVICE_ROLES]}
    linked = {"iam:AWSServiceName": [f"{name}.amazonaws.com" for name in _LINKED_ROLES]}
    roles = []
    if "iam:PassRole" in actions:
        roles.append(_guarded("iam:PassRole", _NAMED["iam"][0], passed))
    if "iam:CreateServiceLinkedRole" in actions:
        anywhere = "arn:aws:iam::*:role/aws-service-role/*"
        roles.append(_guarded("iam:CreateServiceLinkedRole", anywhere, linked))
    return roles


def _guarded(action: str, resource: str, condition: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Action": action,
        "Resource": resource,
        "Condition": {"StringEquals": condition},
    }


def text_of(policy: Mapping[str, Any]) -> str:
    """Return a policy as its file has it."""
    return json.dumps(policy, indent=2) + "\n"


def main() -> None:
    """Write the files."""
    for name, policy in policies().items():
        path = FOLDER / f"{name}.json"
        path.write_text(text_of(policy))
        size = len(json.dumps(policy, separators=(",", ":")))
        sys.stdout.write(f"{path}: {size} of {MANAGED_POLICY_CHARACTERS} characters\n")


if __name__ == "__main__":
    main()
