"""Which states a deployment begins in, and what is said of the others."""

import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.cloudformation import FakeCloudFormation
from housing_deploy.change_set import StackRequest
from housing_deploy.changes import confirm, confirm_name
from housing_deploy.errors import NotConfirmedError, StackStateError
from housing_deploy.rollout import failure, former
from housing_deploy.stacks import Snapshot, Stack, find, require_deployable
from housing_deploy.stage import Stage

STAGE = Stage("dev", "housing-dev", "housing-dev", None, (), {})


def stack(status: str) -> Stack:
    return Stack("arn:1", "housing-dev", status, {}, {}, is_protected=False)


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]
)
def test_a_stack_at_rest_is_deployed_upon(status: str) -> None:
    require_deployable(stack(status), "dev")


@pytest.mark.parametrize(
    ("status", "way"),
    [
        ("ROLLBACK_COMPLETE", "make destroy STAGE=dev, then deploy again"),
        ("CREATE_FAILED", "make destroy STAGE=dev"),
        ("DELETE_FAILED", "make destroy STAGE=dev"),
        ("UPDATE_IN_PROGRESS", "another deployment is running"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "another deployment is running"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name housing-dev"),
    ],
)
def test_another_is_not_and_the_way_out_is_said(status: str, way: str) -> None:
    with pytest.raises(StackStateError, match=f"{status}.*{way}"):
        require_deployable(stack(status), "dev")


@pytest.mark.parametrize(
    ("status", "then"),
    [
        ("UPDATE_ROLLBACK_COMPLETE", "rolled back to the previous deployment"),
        ("ROLLBACK_COMPLETE", "make destroy STAGE=dev"),
        ("UPDATE_ROLLBACK_FAILED", "see the events"),
    ],
)
def test_how_a_deployment_ended_is_said_with_what_to_do(status: str, then: str) -> None:
    text = failure(STAGE, status, "  Bucket: taken")

    assert status in text
    assert "Bucket: taken" in text
    assert then in text


def test_the_way_back_has_the_old_template_and_parameters_and_no_canary() -> None:
    wanted = StackRequest("s", "new", {"A": "2"}, (), {}, "bucket", "prefix", takes_over=False)
    kept = Snapshot("old", {"A": "1", "TrafficShift": "Canary10Percent5Minutes"})

    back = former(kept, wanted)

    assert (back.template, back.bucket) == ("old", "bucket")
    assert back.parameters == {"A": "1", "TrafficShift": "AllAtOnce"}
    assert back.folder == "prefix"


def test_without_a_terminal_the_given_answer_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    confirm("?", "yes")
    confirm_name("?", "housing-dev", "housing-dev")
    for given in ("", "no"):
        with pytest.raises(NotConfirmedError):
            confirm("?", given)
    for given in ("", "yes", "housing-prod"):
        with pytest.raises(NotConfirmedError):
            confirm_name("?", "housing-dev", given)


class Terminal:
    """Somebody sits there."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", [True, False])
def test_a_terminal_is_asked_for_confirmation(
    monkeypatch: pytest.MonkeyPatch, *, answer: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("typer.confirm", lambda _: answer)

    if answer:
        confirm("?", "")
        return
    with pytest.raises(NotConfirmedError, match="not confirmed; nothing was changed"):
        confirm("?", "")


def test_a_terminal_is_asked_for_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("typer.prompt", lambda _: "housing-dev")

    confirm_name("?", "housing-dev", "")
    with pytest.raises(NotConfirmedError, match="that is not housing-prod"):
        confirm_name("?", "housing-prod", "")


def test_a_stack_that_is_deleted_or_only_proposed_is_none() -> None:
    for status in (None, "DELETE_COMPLETE", "REVIEW_IN_PROGRESS"):
        fake: Any = FakeCloudFormation(status)
        assert find(fake, "housing-dev") is None


def test_trouble_with_the_account_is_not_taken_for_a_stack_that_is_not_there() -> None:
    fake: Any = FakeCloudFormation("UPDATE_COMPLETE")
    fake.refuses = "AccessDenied"

    with pytest.raises(ClientError, match="AccessDenied"):
        find(fake, "housing-dev")
