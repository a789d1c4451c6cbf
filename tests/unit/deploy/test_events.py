"""A stack is watched until it rests, and what failed is told in its order."""

from typing import Any

import pytest

from fakes.cloudformation import STACK_ID, FakeCloudFormation
from housing_deploy.errors import WaitError
from housing_deploy.stacks import EventStream


def event(number: int, status: str, name: str, **more: str) -> dict[str, Any]:
    return {"EventId": str(number), "ResourceStatus": status, "LogicalResourceId": name, **more}


def follower(fake: FakeCloudFormation) -> EventStream:
    client: Any = fake
    return EventStream(client, STACK_ID, poll_seconds=0)


def test_new_events_are_said_oldest_first_and_those_of_before_are_not() -> None:
    fake = FakeCloudFormation("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")
    fake.events = [event(1, "CREATE_COMPLETE", "Bucket")]
    watched = follower(fake)
    fake.events += [event(2, "UPDATE_IN_PROGRESS", "Api"), event(3, "UPDATE_COMPLETE", "Api")]
    said: list[str] = []

    assert watched.until_end(seconds=60, say=said.append) == "UPDATE_COMPLETE"

    assert said == ["UPDATE_IN_PROGRESS Api", "UPDATE_COMPLETE Api"]
    assert watched.failures == ""


def test_failures_are_listed_in_order_with_their_reasons() -> None:
    fake = FakeCloudFormation("UPDATE_ROLLBACK_COMPLETE")
    watched = follower(fake)
    fake.events = [
        event(1, "CREATE_FAILED", "Queue", ResourceStatusReason="no such subnet"),
        event(2, "CREATE_FAILED", "Job"),
    ]
    fake.not_valid = [
        {"LogicalResourceId": "Api", "ValidationStatusReason": "its name is taken"},
        {"LogicalResourceId": "Role"},
    ]

    watched.until_end(seconds=60, say=lambda _: None)

    assert [line.strip() for line in watched.failures.splitlines()] == [
        "Api: its name is taken",
        "Queue: no such subnet",
        "Job: no reason",
    ]


def test_a_stack_that_does_not_come_to_rest_is_waited_for_no_longer_than_said() -> None:
    watched = follower(FakeCloudFormation("UPDATE_IN_PROGRESS"))

    with pytest.raises(WaitError, match=r"still in the state UPDATE_IN_PROGRESS .*describe-stack"):
        watched.until_end(seconds=0, say=lambda _: None)
