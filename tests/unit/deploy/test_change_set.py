"""A proposal is waited for; one that comes to nothing leaves nothing behind."""

from typing import Any

import boto3
import pytest
from moto import mock_aws

from fakes.cloudformation import STACK_ID, FakeCloudFormation
from housing_deploy import change_set
from housing_deploy.change_set import StackRequest, propose
from housing_deploy.errors import ChangeSetError, WaitError
from housing_deploy.stacks import Clients, Stack

WANTED = StackRequest(
    "housing-dev",
    "Resources: {}",
    {"Stage": "dev"},
    capabilities=(),
    tags={},
    bucket="packages",
    folder="a",
    takes_over=False,
)
DEPLOYED = Stack(STACK_ID, "housing-dev", "UPDATE_COMPLETE", {}, {}, is_protected=False)
MADE: dict[str, Any] = {
    "Status": "CREATE_COMPLETE",
    "Changes": [
        {"ResourceChange": {"Action": "Add", "LogicalResourceId": "Api"}},
        {"Type": "Hook"},
    ],
}
UNDER_WAY = {"Status": "CREATE_IN_PROGRESS"}


@pytest.fixture
def told() -> FakeCloudFormation:
    return FakeCloudFormation("UPDATE_COMPLETE")


@pytest.fixture
def clients(told: FakeCloudFormation, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setattr(change_set, "_POLL_SECONDS", 0)
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="packages")
        nobody: Any = None
        cloudformation: Any = told
        yield Clients(cloudformation, s3, nobody, nobody, "123456789012", None)


def test_a_proposal_is_waited_for_and_read(told: FakeCloudFormation, clients: Clients) -> None:
    told.change_sets = [UNDER_WAY, MADE]

    proposed = propose(clients, DEPLOYED, WANTED)

    assert proposed is not None
    assert [(change.action, change.resource) for change in proposed.changes] == [("Add", "Api")]
    [template] = clients.s3.list_objects_v2(Bucket="packages", Prefix="a/")["Contents"]
    body = clients.s3.get_object(Bucket="packages", Key=template["Key"])["Body"].read()
    assert body == b"Resources: {}"


def test_proposals_of_one_second_are_not_taken_for_each_other(
    told: FakeCloudFormation, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.change_sets = [MADE]
    monkeypatch.setattr("time.time", lambda: 1_795_997_206.4)

    assert propose(clients, DEPLOYED, WANTED)
    assert propose(clients, DEPLOYED, WANTED)


def test_no_changes_are_no_proposal_and_it_is_dropped(
    told: FakeCloudFormation, clients: Clients
) -> None:
    reason = "The submitted information didn't contain changes."
    told.change_sets = [{"Status": "FAILED", "StatusReason": reason}]

    assert propose(clients, DEPLOYED, WANTED) is None

    assert told.done == ["create_change_set", "delete_change_set"]


def test_a_first_proposal_that_fails_leaves_no_empty_stack(
    told: FakeCloudFormation, clients: Clients
) -> None:
    told.change_sets = [{"Status": "FAILED", "StatusReason": "Transform failed"}]

    with pytest.raises(ChangeSetError, match="creates no change set: Transform failed"):
        propose(clients, None, WANTED)

    assert told.done == ["create_change_set", "delete_change_set", "delete_stack"]


def test_a_proposal_that_is_never_made_is_not_waited_for_without_end(
    told: FakeCloudFormation, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_set, "_SECONDS", 0.05)
    told.change_sets = [UNDER_WAY]

    with pytest.raises(WaitError, match="was not ready within 0 minutes"):
        propose(clients, DEPLOYED, WANTED)
