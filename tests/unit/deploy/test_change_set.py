"""A proposal is waited for; one that comes to nothing leaves nothing behind."""

import re
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from moto import mock_aws

from fakes.cloudformation import STACK_ID, FakeCloudFormation
from housing_deploy import change_set
from housing_deploy.change_set import ChangeSet, StackRequest, execute, propose
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
def fake() -> FakeCloudFormation:
    return FakeCloudFormation("UPDATE_COMPLETE")


@pytest.fixture
def clients(fake: FakeCloudFormation, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setattr(change_set, "_POLL_SECONDS", 0)
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="packages")
        nobody: Any = None
        cloudformation: Any = fake
        yield Clients(cloudformation, s3, nobody, nobody, "123456789012", None)


def test_a_proposal_is_waited_for_and_read(fake: FakeCloudFormation, clients: Clients) -> None:
    fake.change_sets = [UNDER_WAY, MADE]

    proposed = propose(clients, DEPLOYED, WANTED)

    assert proposed is not None
    assert [(change.action, change.resource) for change in proposed.changes] == [("Add", "Api")]
    [template] = clients.s3.list_objects_v2(Bucket="packages", Prefix="a/")["Contents"]
    body = clients.s3.get_object(Bucket="packages", Key=template["Key"])["Body"].read()
    assert body == b"Resources: {}"


def test_proposals_of_one_second_are_not_taken_for_each_other(
    fake: FakeCloudFormation, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.change_sets = [MADE]
    monkeypatch.setattr("time.time", lambda: 1_795_997_206.4)

    assert propose(clients, DEPLOYED, WANTED)
    assert propose(clients, DEPLOYED, WANTED)


def test_no_changes_are_no_proposal_and_it_is_dropped(
    fake: FakeCloudFormation, clients: Clients
) -> None:
    reason = "The submitted information didn't contain changes."
    fake.change_sets = [{"Status": "FAILED", "StatusReason": reason}]

    assert propose(clients, DEPLOYED, WANTED) is None

    assert fake.done == ["create_change_set", "delete_change_set"]


def test_a_first_proposal_that_fails_leaves_no_empty_stack(
    fake: FakeCloudFormation, clients: Clients
) -> None:
    fake.change_sets = [{"Status": "FAILED", "StatusReason": "Transform failed"}]

    with pytest.raises(ChangeSetError, match="creates no change set: Transform failed"):
        propose(clients, None, WANTED)

    assert fake.done == ["create_change_set", "delete_change_set", "delete_stack"]


def test_a_proposal_that_is_never_made_is_not_waited_for_without_end(
    fake: FakeCloudFormation, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_set, "_SECONDS", 0.05)
    fake.change_sets = [UNDER_WAY]

    with pytest.raises(WaitError, match="was not ready within 0 minutes"):
        propose(clients, DEPLOYED, WANTED)


def met_itself(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "again"}}, "of the change set")


NO_ANSWER = ConnectionClosedError(endpoint_url="https://cloudformation.test")


@pytest.mark.parametrize(
    "lost", [NO_ANSWER, met_itself("AlreadyExistsException")], ids=["no answer", "repeated"]
)
def test_a_proposal_whose_answer_is_lost_is_followed(
    fake: FakeCloudFormation, clients: Clients, lost: Exception
) -> None:
    fake.change_sets = [UNDER_WAY, MADE]
    fake.loses = lost

    proposed = propose(clients, DEPLOYED, WANTED)

    assert proposed is not None
    assert (proposed.id, proposed.stack_id) == ("change-set", STACK_ID)
    assert fake.done == ["create_change_set"]


@pytest.mark.parametrize(
    "lost", [NO_ANSWER, met_itself("InvalidChangeSetStatus")], ids=["no answer", "repeated"]
)
def test_an_execution_whose_answer_is_lost_is_no_failure(
    fake: FakeCloudFormation, clients: Clients, lost: Exception
) -> None:
    fake.change_sets = [{**MADE, "ExecutionStatus": "AVAILABLE"}]
    fake.loses = lost

    execute(clients, ChangeSet("change-set", STACK_ID, ()))

    assert fake.done == ["execute_change_set"]


@pytest.mark.parametrize("lost", [NO_ANSWER, met_itself("InvalidChangeSetStatus")])
def test_an_execution_that_did_not_begin_is_a_failure(
    fake: FakeCloudFormation,
    clients: Clients,
    monkeypatch: pytest.MonkeyPatch,
    lost: Exception,
) -> None:
    def refuse(**_: object) -> None:
        raise lost

    fake.change_sets = [{**MADE, "ExecutionStatus": "AVAILABLE"}]
    monkeypatch.setattr(fake, "execute_change_set", refuse)

    with pytest.raises(type(lost)):
        execute(clients, ChangeSet("change-set", STACK_ID, ()))


def test_each_request_carries_a_token_of_its_own(
    fake: FakeCloudFormation, clients: Clients
) -> None:
    fake.change_sets = [MADE]
    for _ in range(2):
        proposed = propose(clients, DEPLOYED, WANTED)
        assert proposed is not None
        execute(clients, proposed)

    assert len(set(fake.tokens)) == 4
    assert all(re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", token) for token in fake.tokens[::2])
    assert all(re.fullmatch(r"[-a-zA-Z0-9]{1,128}", token) for token in fake.tokens)
