"""CloudFormation stacks: their state, their template, their events."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from housing_deploy.errors import StackStateError, WaitError

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef
    from mypy_boto3_s3 import S3Client

_DEPLOYABLE = (
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
    *("IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"),
)
_NEVER_COMPLETE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
_MOST_FAILURES = 5


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients of AWS, or of the endpoint in its place."""

    cloudformation: "CloudFormationClient"
    s3: "S3Client"
    gateway: "APIGatewayClient"
    secrets: Any
    account: str
    endpoint_url: str | None
    """URL of an endpoint instead of AWS; None on AWS."""


def make_clients(region: str | None, endpoint_url: str | None) -> Clients:
    """Make clients with bounded waits, and the credentials that boto3 finds."""
    session = boto3.Session(region_name=region)
    bounded = Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"total_max_attempts": 5, "mode": "standard"},
        s3={"addressing_style": "path"},
    )

    def client(name: Any) -> Any:
        return session.client(name, endpoint_url=endpoint_url, config=bounded)

    return Clients(
        cloudformation=client("cloudformation"),
        s3=client("s3"),
        gateway=client("apigateway"),
        secrets=client("secretsmanager"),
        account=client("sts").get_caller_identity()["Account"],
        endpoint_url=endpoint_url,
    )


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack."""

    id: str
    name: str
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    is_protected: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The template and parameters that deploy a stack's present state again."""

    template: str
    parameters: Mapping[str, str]


def find(cloudformation: "CloudFormationClient", name: str) -> Stack | None:
    """Return the stack; None if it does not exist, or is only proposed."""
    try:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as exc:
        if exc.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    if stack["StackStatus"] in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE"):
        return None
    return Stack(
        id=stack["StackId"],
        name=name,
        status=stack["StackStatus"],
        parameters={p["ParameterKey"]: p["ParameterValue"] for p in stack.get("Parameters", ())},
        outputs={o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", ())},
        is_protected=bool(stack.get("EnableTerminationProtection")),
    )


def require_deployable(stack: Stack, stage: str) -> None:
    """Refuse a stack in a state that allows no update.

    Raises:
        StackStateError: The state, with the next step.
    """
    if stack.status in _DEPLOYABLE:
        return
    if stack.status in _NEVER_COMPLETE:
        step = (
            "its first deployment was never completed, and CloudFormation can only delete it: "
            f"make destroy STAGE={stage}, then deploy again"
        )
    elif stack.status.endswith("IN_PROGRESS"):
        step = f"another deployment is running; watch it: {watch_command(stack.name)}"
    else:
        step = (
            "find the reason in the console, then: aws cloudformation continue-update-rollback "
            f"--stack-name {stack.name}"
        )
    msg = f"the stack {stack.name} is in the state {stack.status}: {step}"
    raise StackStateError(msg)


def watch_command(name: str) -> str:
    """Return the command that shows the events of a stack."""
    return f"aws cloudformation describe-stack-events --stack-name {name} --max-items 20"


def snapshot(cloudformation: "CloudFormationClient", stack: Stack) -> Snapshot:
    """Return the deployed template, as it was sent, and its parameters."""
    answer = cloudformation.get_template(StackName=stack.name, TemplateStage="Original")
    body = answer["TemplateBody"]  # boto3 parses JSON
    return Snapshot(body if isinstance(body, str) else json.dumps(body), stack.parameters)


@dataclass(slots=True)
class EventStream:
    """The events of a stack from now on."""

    cloudformation: "CloudFormationClient"
    stack_id: str
    poll_seconds: float = 3.0
    _seen: set[str] = field(default_factory=set)
    _failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Skip the events of the past."""
        self._seen = {event["EventId"] for event in self._newest_first()}

    def until_end(self, *, seconds: float, say: Callable[[str], None]) -> str:
        """Pass each event to ``say`` until the stack is stable; return its status.

        Raises:
            WaitError: The stack is not stable after ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while True:
            stack = self.cloudformation.describe_stacks(StackName=self.stack_id)["Stacks"][0]
            status = stack["StackStatus"]
            for event in self._new():
                say(f"{event.get('ResourceStatus', '')} {event.get('LogicalResourceId', '')}")
            if not status.endswith("IN_PROGRESS"):
                return status
            if time.monotonic() > deadline:
                msg = (
                    f"the stack is still in the state {status} after {seconds / 60:.0f} minutes; "
                    f"CloudFormation continues by itself: {watch_command(self.stack_id)}"
                )
                raise WaitError(msg)
            time.sleep(self.poll_seconds)

    @property
    def failures(self) -> str:
        """The first failures, in their order; the later ones mostly follow from them."""
        failures = [*self._failed_validations(), *self._failures]
        return "\n".join(f"  {text}" for text in failures[:_MOST_FAILURES])

    def _failed_validations(self) -> Iterator[str]:
        """Yield the failures of the validation before the start, which are no stack events."""
        answer = self.cloudformation.describe_events(
            StackName=self.stack_id, Filters={"FailedEvents": True}
        )
        for event in answer["OperationEvents"]:
            if reason := event.get("ValidationStatusReason"):
                yield f"{event.get('LogicalResourceId')}: {reason}"

    def _new(self) -> "list[StackEventTypeDef]":
        new: list[StackEventTypeDef] = []
        for event in self._newest_first():
            if event["EventId"] in self._seen:
                break
            new.insert(0, event)
        self._seen |= {event["EventId"] for event in new}
        self._failures += [
            f"{event.get('LogicalResourceId')}: {event.get('ResourceStatusReason', 'no reason')}"
            for event in new
            if event.get("ResourceStatus", "").endswith("FAILED")
        ]
        return new

    def _newest_first(self) -> "Iterator[StackEventTypeDef]":
        pages = self.cloudformation.get_paginator("describe_stack_events")
        for page in pages.paginate(StackName=self.stack_id):
            yield from page["StackEvents"]
