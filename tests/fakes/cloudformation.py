"""CloudFormation with one stack, whose states, events and change set a test writes down."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

STACK_ID = "arn:aws:cloudformation:eu-central-1:123456789012:stack/housing-dev/1"


class FakeCloudFormation:
    """Tells what it was given, one state for each look, and keeps what it was told to do.

    Attributes:
        statuses: Of the stack; the last one stays. None: there is no such stack.
        change_sets: Answers on the change set, one for each look; the last one stays.
        events: Of the stack, oldest first.
        not_valid: What it found wrong before it began.
        template: What is deployed.
        resources: Of the stack, as ``list_stack_resources`` tells them.
        refuses: Code of the error that a look at the stack ends in.
        is_protected: Against deletion.
        done: The calls that change something, in their order.
        tokens: Of the calls that carry one.
        loses: Raised in place of the answer to such a call, once it is done.
    """

    def __init__(self, *statuses: str | None) -> None:
        self.statuses = list(statuses)
        self.change_sets: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.not_valid: list[dict[str, Any]] = []
        self.template = "Resources: {}"
        self.resources: list[dict[str, Any]] = []
        self.refuses = ""
        self.is_protected = False
        self.done: list[str] = []
        self.tokens: list[str] = []
        self.loses: Exception | None = None
        self._names: set[str] = set()

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        """Return the stack in its next state."""
        status = _next(self.statuses)
        if self.refuses or status is None:
            raise _error(self.refuses or "ValidationError")
        stack = {
            "StackId": STACK_ID,
            "StackStatus": status,
            "EnableTerminationProtection": self.is_protected,
        }
        return {"Stacks": [stack]}

    def describe_change_set(self, **_: Any) -> dict[str, Any]:
        """Return the change set in its next state."""
        description: dict[str, Any] = _next(self.change_sets)
        return {"ChangeSetId": "change-set", "StackId": STACK_ID, **description}

    def describe_events(self, **_: Any) -> dict[str, Any]:
        """Return what was not valid."""
        return {"OperationEvents": self.not_valid}

    def get_template(self, **_: Any) -> dict[str, Any]:
        """Return what is deployed."""
        return {"TemplateBody": self.template}

    def get_paginator(self, name: str) -> "_Pages":
        """Return the pages of a list; each entry is a page, as they may be cut anywhere."""
        return _Pages(self, name)

    def create_change_set(self, **given: Any) -> dict[str, Any]:
        """Take a proposal; its name is refused if there was one of this name."""
        name = given["ChangeSetName"]
        if name in self._names:
            code = "AlreadyExistsException"
            raise _error(code)
        self._names.add(name)
        self._note("create_change_set", given["ClientToken"])
        return {"Id": "change-set", "StackId": STACK_ID}

    def execute_change_set(self, **given: Any) -> None:
        """Carry it out."""
        self.change_sets[-1]["ExecutionStatus"] = "EXECUTE_IN_PROGRESS"
        self._note("execute_change_set", given["ClientRequestToken"])

    def _note(self, call: str, token: str) -> None:
        """Note a call that is done; its answer may be lost all the same."""
        self.done.append(call)
        self.tokens.append(token)
        if self.loses:
            raise self.loses

    def delete_change_set(self, **_: Any) -> None:
        """Drop it."""
        self.done.append("delete_change_set")

    def delete_stack(self, **_: Any) -> None:
        """Note that the stack is to go."""
        self.done.append("delete_stack")

    def update_termination_protection(self, **given: Any) -> None:
        """Guard the stack, or guard it no longer."""
        self.is_protected = given["EnableTerminationProtection"]
        self.done.append("update_termination_protection")


class _Pages:
    def __init__(self, told: FakeCloudFormation, name: str) -> None:
        self._told, self._name = told, name

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        """Yield a page for each entry."""
        if self._name == "describe_stack_events":
            yield from ({"StackEvents": [event]} for event in reversed(self._told.events))
        elif self._name == "list_stack_resources":
            yield from ({"StackResourceSummaries": [one]} for one in self._told.resources)
        else:
            yield self._told.change_sets[-1]


def _next(states: list[Any]) -> Any:
    return states.pop(0) if len(states) > 1 else states[0]


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeStacks")
