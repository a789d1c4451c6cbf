"""What a failed deployment ends with says why, whatever comes of the way back."""

import io
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from rich.console import Console

from fakes.cloudformation import STACK_ID, FakeCloudFormation
from housing_deploy import change_set
from housing_deploy.errors import ChangeSetError, SmokeError
from housing_deploy.rollout import Rollout
from housing_deploy.stacks import Clients, Snapshot
from housing_deploy.stage import Stage
from housing_ops.progress import Progress

DEV = Stage("dev", "housing-dev", "housing-dev", None, (), {})
WANTED = change_set.StackRequest(
    "housing-dev",
    "Resources: {}",
    {},
    capabilities=(),
    tags={},
    bucket="packages",
    folder="a",
    takes_over=False,
)


REFUSED = ChangeSetError(f"CloudFormation refuses: {STACK_ID} is busy")
UNREACHABLE = EndpointConnectionError(endpoint_url="https://cloudformation.test")


@pytest.mark.parametrize("fault", [REFUSED, UNREACHABLE], ids=["refused", "unreachable"])
def test_the_reason_of_the_failure_is_kept_if_the_rollback_fails(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise fault

    monkeypatch.setattr(change_set, "propose", refuse)
    fake: Any = FakeCloudFormation("UPDATE_COMPLETE")
    nobody: Any = None
    clients = Clients(fake, nobody, nobody, nobody, "123456789012", None)
    progress = Progress(Console(file=io.StringIO()))
    rollout = Rollout(DEV, clients, progress, seconds=1, smoke_seconds=1)

    told_last = rollout._roll_back(
        SmokeError("no model is served"), WANTED, Snapshot("Resources: {}", {}), had_model=True
    )

    assert "no model is served" in str(told_last)
    assert f"The rollback fails as well: {fault}" in str(told_last)
    assert "aws logs tail" in str(told_last)
