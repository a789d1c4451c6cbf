"""Watching a stack change: its events as they come, its end, and what failed."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from housing_deploy.errors import WaitError
from housing_deploy.stacks import watching

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

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
