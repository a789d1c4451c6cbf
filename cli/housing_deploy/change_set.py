"""A change set: proposed, read, carried out or dropped."""

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from housing_deploy.changes import Change
from housing_deploy.errors import ChangeSetError, WaitError
from housing_deploy.stacks import Clients, Stack, watching

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import (
        DescribeChangeSetOutputTypeDef,
        StackEventTypeDef,
    )

_SECONDS = 600.0
_POLL_SECONDS = 1.0
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
"""CloudFormation has no code for it; the SAM command and AWS's own read these words, too."""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Changes that CloudFormation would make."""

    id: str
    stack_id: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a stack is to become."""

    stack_name: str
    template: str
    parameters: Mapping[str, str]
    capabilities: tuple[str, ...]
    tags: Mapping[str, str]
    bucket: str
    key: str
    """Where the template is put for CloudFormation: it is longer than a request may be."""
    takes_over: bool
    """Whether something that exists comes into the stack."""


def key_of(template: str, beside: str) -> str:
    """Return the S3 key of a template, in the folder of another key."""
    folder = beside.rpartition("/")[0]
    return f"{folder}/{hashlib.sha256(template.encode()).hexdigest()}.template"


def propose(clients: Clients, stack: Stack | None, wanted: Wanted) -> ChangeSet | None:
    """Have CloudFormation work out the changes; None where there are none.

    Raises:
        ChangeSetError: The template or the parameters are refused.
    """
    clients.s3.put_object(Bucket=wanted.bucket, Key=wanted.key, Body=wanted.template.encode())
    try:
        made = clients.cloudformation.create_change_set(
            StackName=wanted.stack_name,
            ChangeSetName=f"deploy-{int(time.time())}-{uuid.uuid4().hex[:8]}",
            ChangeSetType="UPDATE" if stack else "CREATE",
            TemplateURL=f"{clients.s3.meta.endpoint_url}/{wanted.bucket}/{wanted.key}",
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in wanted.parameters.items()
            ],
            Capabilities=list(wanted.capabilities),  # type: ignore[arg-type]  # names of the file
            Tags=[{"Key": key, "Value": value} for key, value in wanted.tags.items()],
            ImportExistingResources=wanted.takes_over,
            # It would find that the names of what is taken over are taken (MiniStack's does).
            DisableValidation=wanted.takes_over,
        )
    except ClientError as exc:
        msg = f"CloudFormation refuses: {exc.response['Error'].get('Message')}"
        raise ChangeSetError(msg) from exc
    return _made(clients, made["Id"], made["StackId"], is_new=stack is None)


def _made(clients: Clients, change_set: str, stack_id: str, *, is_new: bool) -> ChangeSet | None:
    found = _settled(clients, change_set)
    if found["Status"] != "FAILED":
        return ChangeSet(change_set, stack_id, _changes(clients, change_set))
    drop(clients, ChangeSet(change_set, stack_id, ()), is_new=is_new)
    reason = found.get("StatusReason", "no reason is given")
    if any(words in reason for words in _NO_CHANGES):
        return None
    msg = f"CloudFormation makes no change set: {reason}"
    raise ChangeSetError(msg)


def _settled(clients: Clients, change_set: str) -> "DescribeChangeSetOutputTypeDef":
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        found = clients.cloudformation.describe_change_set(ChangeSetName=change_set)
        if found["Status"] in ("CREATE_COMPLETE", "FAILED"):
            return found
        time.sleep(_POLL_SECONDS)
    msg = f"the change set was not made within {_SECONDS / 60:.0f} minutes: {change_set}"
    raise WaitError(msg)


def _changes(clients: Clients, change_set: str) -> tuple[Change, ...]:
    pages = clients.cloudformation.get_paginator("describe_change_set")
    return tuple(
        Change.of(found["ResourceChange"])
        for page in pages.paginate(ChangeSetName=change_set)
        for found in page.get("Changes", ())
        if "ResourceChange" in found
    )


def drop(clients: Clients, change_set: ChangeSet, *, is_new: bool) -> None:
    """Forget a proposal, and the empty stack that the first one makes."""
    clients.cloudformation.delete_change_set(ChangeSetName=change_set.id)
    if is_new:
        clients.cloudformation.delete_stack(StackName=change_set.stack_id)


_TOLD_FAILURES = 5


@dataclass(slots=True)
class Follower:
    """One stack's events from now on."""

    cloudformation: "CloudFormationClient"
    stack_id: str
    poll_seconds: float = 3.0
    _seen: set[str] = field(default_factory=set)
    _failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Leave out what was before."""
        self._seen = {event["EventId"] for event in self._newest_first()}

    def until_end(self, *, seconds: float, say: Callable[[str], None]) -> str:
        """Return the status in which the stack comes to rest.

        Raises:
            WaitError: It does not in this time.
        """
        deadline = time.monotonic() + seconds
        while True:
            status = self._status()
            for event in self._new():
                say(_line(event))
            if not status.endswith("IN_PROGRESS"):
                return status
            if time.monotonic() > deadline:
                msg = (
                    f"the stack is still in the state {status} after {seconds / 60:.0f} minutes; "
                    f"CloudFormation goes on by itself: {watching(self.stack_id)}"
                )
                raise WaitError(msg)
            time.sleep(self.poll_seconds)

    @property
    def failures(self) -> str:
        """What failed, the first first: the others mostly follow from it."""
        told = [*self._not_valid(), *self._failures]
        return "\n".join(f"  {text}" for text in told[:_TOLD_FAILURES])

    def _not_valid(self) -> "Iterator[str]":
        """Yield what CloudFormation found before it began, which stack events do not tell."""
        found = self.cloudformation.describe_events(
            StackName=self.stack_id, Filters={"FailedEvents": True}
        )
        for event in found["OperationEvents"]:
            if reason := event.get("ValidationStatusReason"):
                yield f"{event.get('LogicalResourceId')}: {reason}"

    def _status(self) -> str:
        answer = self.cloudformation.describe_stacks(StackName=self.stack_id)
        return answer["Stacks"][0]["StackStatus"]

    def _new(self) -> "list[StackEventTypeDef]":
        new = []
        for event in self._newest_first():
            if event["EventId"] in self._seen:
                break
            new.append(event)
        self._seen |= {event["EventId"] for event in new}
        oldest_first = new[::-1]
        self._failures += [
            f"{event.get('LogicalResourceId')}: {event.get('ResourceStatusReason', 'no reason')}"
            for event in oldest_first
            if event.get("ResourceStatus", "").endswith("FAILED")
        ]
        return oldest_first

    def _newest_first(self) -> "Iterator[StackEventTypeDef]":
        pages = self.cloudformation.get_paginator("describe_stack_events")
        for page in pages.paginate(StackName=self.stack_id):
            yield from page["StackEvents"]


def _line(event: "StackEventTypeDef") -> str:
    return f"{event.get('ResourceStatus', '')} {event.get('LogicalResourceId', '')}".strip()
