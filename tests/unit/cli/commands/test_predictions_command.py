"""``housing predictions export``: the function's log ends as rows, each once."""

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from fakes.command_line import CommandLine
from fakes.prediction_log import prediction_line
from housing.schema import FEATURE_NAMES, FEATURES
from housing_cli.services import Services

GROUP = "/aws/lambda/housing-test-predict"
STREAM = "2026/11/23/[$LATEST]0123"
OTHER_LINES = (
    "START RequestId: 8f5069ac Version: $LATEST",
    "",
    '{"message": "model_loaded", "version": "7"}',
    '{"_aws": {"CloudWatchMetrics": []}, "PredictionSuccess": [1]}',
    '"prediction"',
    "[1, 2]",
    '{"message": "prediction", "price": 4.',
    "REPORT RequestId: 8f5069ac Duration: 3.21 ms",
)
Write = Callable[..., int]


@pytest.fixture
def write() -> Any:
    """Write lines to the function's log, a second apart, the last of them now; or years ago."""
    with mock_aws():
        logs = boto3.client("logs", region_name="us-east-1")
        logs.create_log_group(logGroupName=GROUP)
        logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)

        def written(*lines: str, hours_ago: float = 0) -> int:
            now_ms = int((time.time() - 3_600 * hours_ago) * 1_000)
            first_ms = now_ms - 1_000 * (len(lines) - 1)
            events: Any = [
                {"timestamp": first_ms + 1_000 * number, "message": line or " "}
                for number, line in enumerate(lines)
            ]
            logs.put_log_events(logGroupName=GROUP, logStreamName=STREAM, logEvents=events)
            return first_ms

        yield written


def rows(path: Path, columns: str = "request_id") -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        cursor = connection.execute(f"SELECT {columns} FROM predictions ORDER BY timestamp")  # noqa: S608
        return cursor.fetchall()


def test_a_prediction_ends_as_a_row_with_all_that_was_logged(
    housing: CommandLine, folder: Path, write: Write
) -> None:
    path = folder / "predictions.db"
    logged_ms = write(prediction_line("request-9", stale=True, cold_start=True))

    result = housing("predictions", "export", "--since", "1h", "--to", str(path))

    assert result.exit_code == 0, result.output
    assert "1 predictions written" in result.stdout
    numbers = "price, lower, upper, model_version, stale, latency_ms, cold_start"
    assert rows(path, f"request_id, {numbers}") == [("request-9", 4.5, 4.0, 5.25, "7", 1, 1.234, 1)]
    assert rows(path, ", ".join(FEATURE_NAMES)) == [tuple(c.example for c in FEATURES)]
    milliseconds = "CAST(round((julianday(timestamp) - 2440587.5) * 86400000) AS INTEGER)"
    assert rows(path, milliseconds)[0][0] == pytest.approx(logged_ms, abs=1)


def test_other_log_lines_are_skipped(housing: CommandLine, folder: Path, write: Write) -> None:
    write(*OTHER_LINES, prediction_line("only"))

    result = housing("predictions", "export", "--since", "1h", "--to", "p.db", "--json")

    counts = json.loads(result.stdout)
    assert rows(folder / "p.db") == [("only",)]
    assert counts["events"] == len(OTHER_LINES) + 1
    assert (counts["written"], counts["unreadable"]) == (1, 0)


@pytest.mark.parametrize(
    "field",
    ["request_id", "features", "price", "interval", "model_version", "stale", "latency_ms"],
)
def test_a_prediction_that_lacks_a_field_is_counted_and_said(
    field: str, housing: CommandLine, folder: Path, write: Write
) -> None:
    lacking: dict[str, Any] = {"request_id": "bad", field: None}
    write(prediction_line(**lacking), prediction_line("good"))

    result = housing("predictions", "export", "--since", "1h", "--to", "p.db")

    assert result.exit_code == 0, result.output
    assert rows(folder / "p.db") == [("good",)]
    assert "note: skipped 1 unreadable prediction lines;" in result.stdout
    assert f"{field}: Field required" in result.stdout


def test_a_prediction_without_one_of_the_features_is_unreadable(
    housing: CommandLine, folder: Path, write: Write
) -> None:
    features = {column.name: column.example for column in FEATURES if column.name != "AveRooms"}
    write(prediction_line(features=features))

    result = housing("predictions", "export", "--since", "1h", "--to", "p.db")

    assert rows(folder / "p.db") == []
    assert "AveRooms missing" in result.stdout


def test_a_second_export_adds_only_what_is_new(
    housing: CommandLine, folder: Path, write: Write
) -> None:
    command = ("predictions", "export", "--since", "1h", "--to", "p.db", "--json")
    write(prediction_line("one"), prediction_line("two"))

    counts = [json.loads(housing(*command).stdout) for _ in range(2)]
    write(prediction_line("three"))
    counts.append(json.loads(housing(*command).stdout))

    assert [(count["written"], count["already_there"]) for count in counts] == [
        (2, 0),
        (0, 2),
        (1, 2),
    ]
    assert sorted(rows(folder / "p.db")) == [("one",), ("three",), ("two",)]


def test_only_predictions_between_since_and_until_are_exported(
    housing: CommandLine, folder: Path, write: Write
) -> None:
    for hours in (30, 5, 0):
        write(prediction_line(f"{hours} hours ago"), hours_ago=hours)

    result = housing("predictions", "export", "--since", "1d", "--until", "90m", "--to", "p.db")

    assert result.exit_code == 0, result.output
    assert rows(folder / "p.db") == [("5 hours ago",)]


@pytest.mark.parametrize(
    "since", ["soon", "10", "5y", "", "2026-13-01", "9999999999d", "-1h", "2999-01-01"]
)
def test_a_since_that_makes_no_sense_is_a_usage_error(
    since: str, housing: CommandLine, folder: Path
) -> None:
    result = housing("predictions", "export", f"--since={since}", "--to", "p.db")

    assert result.exit_code == 2
    assert not (folder / "p.db").exists()


@pytest.mark.usefixtures("write")
def test_a_log_group_that_is_not_there_is_named(
    housing: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSING_PREDICT_LOG_GROUP", "/aws/lambda/other-predict")

    result = housing("predictions", "export", "--since", "1h", "--to", "p.db", "--json")

    assert result.exit_code == 1
    assert "no such log group: /aws/lambda/other-predict" in json.loads(result.stdout)["error"]


@pytest.mark.parametrize("name", ["nowhere/p.db", "text.db", "other.db"])
def test_a_file_that_is_no_such_database_is_one_line(
    name: str, housing: CommandLine, folder: Path, write: Write
) -> None:
    write(prediction_line())
    (folder / "text.db").write_text("a text, and no database at all\n" * 40)
    with closing(sqlite3.connect(folder / "other.db")) as connection:
        connection.execute("CREATE TABLE predictions (other TEXT)")

    result = housing("predictions", "export", "--since", "1h", "--to", name)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: cannot write {name}: ")
    assert result.stderr.count("\n") == 1


def test_services_read_the_log_with_bounded_waits() -> None:
    config: Any = Services().logs.meta.config

    assert (config.connect_timeout, config.read_timeout) == (5, 30)
    assert config.retries["total_max_attempts"] == 8
