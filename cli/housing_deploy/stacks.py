"""A stack as CloudFormation tells of it, and whether a deployment may begin."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from housing_deploy.errors import StackStateError

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

_NOT_THERE = "ValidationError"
_ONLY_PROPOSED = "REVIEW_IN_PROGRESS"
_DEPLOYABLE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
_NEVER_BEGAN = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")


@dataclass(frozen=True, slots=True)
class Stack:
    """What is deployed."""

    id: str
    name: str
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    is_protected: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is needed to deploy a stack's present state again."""

    template: str
    parameters: Mapping[str, str]


def find(cloudformation: "CloudFormationClient", name: str) -> Stack | None:
    """Return the stack; None where there is none, or only a proposal of one."""
    try:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as exc:
        if exc.response["Error"]["Code"] == _NOT_THERE:
            return None
        raise
    if found["StackStatus"] in (_ONLY_PROPOSED, "DELETE_COMPLETE"):
        return None
    return Stack(
        id=found["StackId"],
        name=name,
        status=found["StackStatus"],
        parameters={
            one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", ())
        },
        outputs={one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())},
        is_protected=bool(found.get("EnableTerminationProtection")),
    )


def require_deployable(stack: Stack, stage: str) -> None:
    """Refuse a stack that cannot be updated.

    Raises:
        StackStateError: Its state; with the way out of it.
    """
    if stack.status in _DEPLOYABLE:
        return
    if stack.status in _NEVER_BEGAN:
        way = (
            "it was never deployed whole, and CloudFormation only lets it be deleted: "
            f"make destroy STAGE={stage}, then deploy again"
        )
    elif stack.status.endswith("IN_PROGRESS"):
        way = f"another deployment is at work; watch it: {watching(stack.name)}"
    else:
        way = (
            "see why in the console, then: aws cloudformation continue-update-rollback "
            f"--stack-name {stack.name}"
        )
    msg = f"the stack {stack.name} is in the state {stack.status}: {way}"
    raise StackStateError(msg)


def watching(name: str) -> str:
    """Return the command that shows what a stack is doing."""
    return f"aws cloudformation describe-stack-events --stack-name {name} --max-items 20"


def snapshot(cloudformation: "CloudFormationClient", stack: Stack) -> Snapshot:
    """Return the template that is deployed, as it was sent, and its parameters."""
    body = cloudformation.get_template(StackName=stack.name, TemplateStage="Original")[
        "TemplateBody"
    ]
    text = body if isinstance(body, str) else json.dumps(body)  # boto3 parses what is JSON
    return Snapshot(text, stack.parameters)


_BOUNDED = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"total_max_attempts": 5, "mode": "standard"},
    s3={"addressing_style": "path"},
)


@dataclass(frozen=True, slots=True)
class Clients:
    """What a deployment talks to."""

    cloudformation: "CloudFormationClient"
    s3: "S3Client"
    gateway: "APIGatewayClient"
    secrets: Any
    account: str
    endpoint_url: str | None
    """Of an endpoint that stands in for AWS; None on AWS."""


def make_clients(region: str | None, endpoint_url: str | None) -> Clients:
    """Make the clients with the credentials that boto3 finds."""
    session = boto3.Session(region_name=region)

    def client(name: Any) -> Any:
        return session.client(name, endpoint_url=endpoint_url, config=_BOUNDED)

    return Clients(
        cloudformation=client("cloudformation"),
        s3=client("s3"),
        gateway=client("apigateway"),
        secrets=client("secretsmanager"),
        account=client("sts").get_caller_identity()["Account"],
        endpoint_url=endpoint_url,
    )
