"""A change set: propose it, read it, execute it, drop it.

Each request that changes something carries a token, so that botocore's own repetition is no second
request. Where the last answer is lost as well, CloudFormation is asked what became of it.
"""

import hashlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from housing_deploy.changes import Change
from housing_deploy.errors import ChangeSetError, WaitError
from housing_deploy.stacks import Clients, Stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import DescribeChangeSetOutputTypeDef

_SECONDS = 600.0
_POLL_SECONDS = 1.0
_EXECUTED = frozenset({"EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE", "EXECUTE_FAILED"})
_MET_ITSELF = frozenset(
    {"AlreadyExistsException", "InvalidChangeSetStatus", "TokenAlreadyExistsException"}
)
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
"""CloudFormation has no code for this; the SAM CLI and the AWS CLI read these words, too."""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A proposed change set."""

    id: str
    stack_id: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class StackRequest:
    """The state that a stack is to have."""

    stack_name: str
    template: str
    parameters: Mapping[str, str]
    capabilities: tuple[str, ...]
    tags: Mapping[str, str]
    bucket: str
    folder: str
    """Folder in the bucket for the template, which is too long for a request."""
    takes_over: bool
    """Whether an existing resource comes into the stack."""


def propose(clients: Clients, stack: Stack | None, wanted: StackRequest) -> ChangeSet | None:
    """Have CloudFormation compute the changes; None without changes.

    Raises:
        ChangeSetError: The template or the parameters are refused.
        WaitError: The change set is not ready in time.
    """
    body = wanted.template.encode()
    key = f"{wanted.folder}/{hashlib.sha256(body).hexdigest()}.template"
    clients.s3.put_object(Bucket=wanted.bucket, Key=key, Body=body)
    name = f"deploy-{int(time.time())}-{uuid.uuid4().hex[:8]}"
    try:
        created = clients.cloudformation.create_change_set(
            StackName=wanted.stack_name,
            ChangeSetName=name,
            ClientToken=name,
            ChangeSetType="UPDATE" if stack else "CREATE",
            TemplateURL=f"{clients.s3.meta.endpoint_url}/{wanted.bucket}/{key}",
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in wanted.parameters.items()
            ],
            Capabilities=list(wanted.capabilities),  # type: ignore[arg-type]  # names of the file
            Tags=[{"Key": name, "Value": value} for name, value in wanted.tags.items()],
            ImportExistingResources=wanted.takes_over,
            # Validation would refuse the name of an existing resource (MiniStack's does).
            DisableValidation=wanted.takes_over,
        )
        id_, stack_id = created["Id"], created["StackId"]
    except (BotoCoreError, ClientError) as exc:
        made = _described(clients, name, wanted.stack_name) if _is_lost(exc) else None
        if made is None:
            if isinstance(exc, BotoCoreError):
                raise
            msg = f"CloudFormation refuses: {exc.response['Error'].get('Message')}"
            raise ChangeSetError(msg) from exc
        id_, stack_id = made["ChangeSetId"], made["StackId"]
    status, reason = _settled(clients, id_)
    if status != "FAILED":
        return ChangeSet(id_, stack_id, _changes(clients, id_))
    drop(clients, ChangeSet(id_, stack_id, ()), is_new=stack is None)
    if any(words in reason for words in _NO_CHANGES):
        return None
    msg = f"CloudFormation creates no change set: {reason}"
    raise ChangeSetError(msg)


def execute(clients: Clients, change_set: ChangeSet) -> None:
    """Have CloudFormation execute a change set, once.

    Raises:
        BotoCoreError: CloudFormation cannot be reached, and does not execute it.
        ClientError: It is refused.
    """
    try:
        clients.cloudformation.execute_change_set(
            ChangeSetName=change_set.id, ClientRequestToken=str(uuid.uuid4())
        )
    except (BotoCoreError, ClientError) as exc:
        made = _described(clients, change_set.id) if _is_lost(exc) else None
        if made is None or made["ExecutionStatus"] not in _EXECUTED:
            raise


def _is_lost(exc: BotoCoreError | ClientError) -> bool:
    """Return whether the request may have been done: no answer came, or it met itself."""
    return isinstance(exc, BotoCoreError) or exc.response["Error"]["Code"] in _MET_ITSELF


def _described(
    clients: Clients, change_set: str, stack_name: str | None = None
) -> "DescribeChangeSetOutputTypeDef | None":
    """Return a change set by its ARN, or its name and stack; None if there is none to be had."""
    of_stack: Any = {"StackName": stack_name} if stack_name else {}
    try:
        return clients.cloudformation.describe_change_set(ChangeSetName=change_set, **of_stack)
    except (BotoCoreError, ClientError):
        return None


def _settled(clients: Clients, change_set: str) -> tuple[str, str]:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        answer = clients.cloudformation.describe_change_set(ChangeSetName=change_set)
        if answer["Status"] in ("CREATE_COMPLETE", "FAILED"):
            return answer["Status"], answer.get("StatusReason", "no reason given")
        time.sleep(_POLL_SECONDS)
    msg = f"the change set was not ready within {_SECONDS / 60:.0f} minutes: {change_set}"
    raise WaitError(msg)


def _changes(clients: Clients, change_set: str) -> tuple[Change, ...]:
    pages = clients.cloudformation.get_paginator("describe_change_set")
    return tuple(
        Change.of(change["ResourceChange"])
        for page in pages.paginate(ChangeSetName=change_set)
        for change in page.get("Changes", ())
        if "ResourceChange" in change
    )


def drop(clients: Clients, change_set: ChangeSet, *, is_new: bool) -> None:
    """Delete a proposal, and the empty stack that a first one makes."""
    clients.cloudformation.delete_change_set(ChangeSetName=change_set.id)
    if is_new:
        clients.cloudformation.delete_stack(StackName=change_set.stack_id)
