"""``housing models``."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from fakes.command_line import CommandLine
from fakes.registry import FakeModelRegistry
from housing.errors import RegistryUnavailableError
from housing.registry.ledger import AliasChange, Ledger
from housing.registry.port import PRODUCTION, Tag

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.usefixtures("s3")  # where a stop of automatic promotion would be
TAGS = {
    f"{Tag.METRIC_PREFIX}rmse": "0.4321",
    Tag.DATA_SOURCE: "generated (seed 0)",
    Tag.DATASET_ID: "0123456789abcdef",
    Tag.VERDICT: "promote",
    Tag.VERDICT_REASON: "first version",
}


@pytest.fixture
def two_versions(registry: FakeModelRegistry) -> None:
    registry.register({}, tags=TAGS)
    registry.register({}, tags={Tag.VERDICT: "keep"})
    registry.set_alias(PRODUCTION, "1")


def test_without_versions_it_says_how_to_make_one(housing: CommandLine) -> None:
    result = housing("models")

    assert result.exit_code == 0
    assert "california-housing has no versions yet" in result.stdout


@pytest.mark.usefixtures("two_versions")
def test_the_version_in_production_is_marked(housing: CommandLine) -> None:
    _, newest, oldest = housing("models").stdout.splitlines()

    assert newest.split()[0] == "2"
    assert oldest.split()[:3] == ["●", "1", "production"]
    for fact in ("0.4321", "generated (seed 0)", "0123456789ab", "promote: first version"):
        assert fact in oldest


@pytest.mark.usefixtures("two_versions")
def test_json_has_aliases_and_metrics_newest_first(housing: CommandLine) -> None:
    newest, oldest = json.loads(housing("models", "--json").stdout)

    assert (newest["version"], newest["production"]) == ("2", False)
    assert oldest["aliases"] == ["production"]
    assert oldest["metrics"] == {"rmse": 0.4321}


def test_a_registry_that_is_down_is_one_line(
    housing: CommandLine, registry: FakeModelRegistry
) -> None:
    registry.fails_with = RegistryUnavailableError("the registry is down")

    result = housing("models", "--json")

    assert result.exit_code == 1
    expected = "the registry is down: is the stack up? make status"
    assert json.loads(result.stdout) == {"error": expected}
    assert result.stderr == f"error: {expected}\n"


@pytest.fixture
def one_change(s3: "S3Client") -> AliasChange:
    change = AliasChange(
        who="anna",
        when=datetime(2026, 11, 23, 12, tzinfo=UTC),
        model="california-housing",
        alias=PRODUCTION,
        from_version=None,
        to_version="2",
        why="the [better] one",
    )
    Ledger(s3, "housing-test").record(change)
    return change


def test_the_history_lists_time_author_and_reason_of_each_change(
    housing: CommandLine, one_change: AliasChange
) -> None:
    result = housing("models", "--history")

    assert result.exit_code == 0, result.output
    heading, line = result.stdout.splitlines()
    assert heading.split() == ["when", "what", "from", "to", "who", "why"]
    assert line.split()[2:] == ["production", "2", "anna", "the", "[better]", "one"]
    assert f"{one_change.when.astimezone():%Y-%m-%d %H:%M:%S}" in line


def test_the_history_for_scripts_is_the_ledgers_entries(
    housing: CommandLine, one_change: AliasChange
) -> None:
    result = housing("models", "--history", "--json")

    assert json.loads(result.stdout) == [one_change.model_dump(mode="json")]
