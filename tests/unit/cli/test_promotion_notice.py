"""A stop of automatic promotion is said by ``housing status`` and ``housing models``."""

import json
from typing import TYPE_CHECKING

import pytest

from fakes.command_line import CommandLine
from housing.registry.automatic_promotion import PROMOTION, PromotionSwitch
from housing.registry.exclusions import Exclusions
from housing.registry.ledger import Ledger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
COMMANDS = [["status"], ["models"], ["models", "--history"]]


@pytest.fixture
def stopped(s3: "S3Client") -> None:
    PromotionSwitch(s3, BUCKET, Ledger(s3, BUCKET)).stop(who="anna", why="odd [prices]")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("stopped")
def test_a_stop_is_said_first(housing: CommandLine, command: list[str]) -> None:
    line = housing(*command).stdout.splitlines()[0]

    assert line.startswith("automatic promotion is stopped since 20")
    assert line.endswith("by anna (odd [prices]): housing resume --reason …")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("stopped")
def test_for_scripts_it_is_said_beside_the_document(
    housing: CommandLine, command: list[str]
) -> None:
    done = housing(*command, "--json")

    assert isinstance(json.loads(done.stdout), list)
    assert done.stderr.startswith("automatic promotion is stopped since 20")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("s3")
def test_without_a_stop_nothing_is_said(housing: CommandLine, command: list[str]) -> None:
    assert "automatic promotion" not in housing(*command).output


def test_a_state_that_cannot_be_read_is_said_and_the_rest_is_shown(
    housing: CommandLine, s3: "S3Client"
) -> None:
    s3.put_object(Bucket=BUCKET, Key=PROMOTION, Body=b"{")

    done = housing("models")

    assert done.exit_code == 0
    assert "cannot read the state of automatic promotion: " in done.stdout
    assert "has no versions yet" in done.stdout


def test_without_a_bucket_the_versions_are_shown_all_the_same(
    housing: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOUSING_BUCKET")

    assert "has no versions yet" in housing("models").stdout


@pytest.mark.usefixtures("stopped")
def test_the_history_shows_decisions_among_the_moves(housing: CommandLine, s3: "S3Client") -> None:
    exclusions = Exclusions(s3, BUCKET, Ledger(s3, BUCKET))
    exclusions.exclude("0a1b", "excluded", job_id="job-1", who="ben", why="wrong unit")

    _, _, excluded, stopped = housing("models", "--history").stdout.splitlines()

    assert " ".join(excluded.split()[2:]) == "rows of job job-1 excluded ben wrong unit"
    assert stopped.split()[2:7] == ["automatic", "promotion", "stopped", "anna", "odd"]
