"""Reading the log: pages, answers that are cut off, and an export that is stopped half-way."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from fakes.command_line import CommandLine
from fakes.prediction_log import FakeLogs, prediction_line
from housing_cli.commands.predictions import moment
from housing_cli.predictions.log import milliseconds, read_pages
from housing_cli.services import Services

NOW = datetime.now(UTC)
NOW_MS = milliseconds(NOW)
GROUP = "/aws/lambda/housing-test-predict"


def log_of(*seconds_ago: int, paged_by: int | None = None) -> FakeLogs:
    return FakeLogs(
        [
            {
                "eventId": f"event-{number}",
                "timestamp": NOW_MS - 1_000 * seconds,
                "message": prediction_line(f"request-{number}"),
            }
            for number, seconds in enumerate(seconds_ago)
        ],
        paged_by=paged_by,
    )


def ids(logs: Any, page_events: int) -> list[str]:
    pages = read_pages(
        logs, GROUP, since=NOW - timedelta(hours=1), until=NOW, page_events=page_events
    )
    return [event.event_id for page in pages for event in page]


@pytest.mark.parametrize("page_events", [3, 4, 7, 8, 100])
def test_an_answer_that_is_cut_off_without_a_token_is_read_to_its_end(page_events: int) -> None:
    logs = log_of(9, 8, 8, 8, 7, 5, 5, 0)

    assert ids(logs, page_events) == [f"event-{number}" for number in range(8)]


def test_a_millisecond_that_fills_a_page_does_not_keep_the_reader_for_ever() -> None:
    logs = log_of(8, 8, 8, 2)

    assert ids(logs, 2) == ["event-0", "event-1", "event-3"]


def test_events_without_an_id_get_one_each_that_is_the_same_in_every_page() -> None:
    line = {"timestamp": NOW_MS - 500, "message": prediction_line(), "logStreamName": "one"}
    later = [{**line, "timestamp": NOW_MS - ago} for ago in (300, 200, 100)]
    logs = FakeLogs([line, line, {**line, "logStreamName": "two"}, *later])

    in_one_page, in_many = ids(logs, 100), ids(logs, 4)

    assert len(set(in_one_page)) == 6
    assert in_many == in_one_page


def test_tokens_are_followed_page_by_page() -> None:
    with mock_aws():
        logs = boto3.client("logs", region_name="us-east-1")
        logs.create_log_group(logGroupName=GROUP)
        logs.create_log_stream(logGroupName=GROUP, logStreamName="one")
        events: Any = [{"timestamp": NOW_MS - 9 + n, "message": f"line {n}"} for n in range(9)]
        logs.put_log_events(logGroupName=GROUP, logStreamName="one", logEvents=events)

        pages = list(
            read_pages(logs, GROUP, since=NOW - timedelta(hours=1), until=NOW, page_events=4)
        )

    assert [len(page) for page in pages] == [4, 4, 1]
    assert [event.message for page in pages for event in page] == [f"line {n}" for n in range(9)]


def test_an_export_that_is_stopped_keeps_its_pages_and_is_finished_by_the_next(
    housing: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = log_of(9, 8, 7, 6, 5, paged_by=2)
    monkeypatch.setattr(Services, "logs", logs)
    command = ("predictions", "export", "--since", "1h", "--to", "p.db")

    logs.interrupted_at = 1
    stopped = housing(*command)
    kept = _requests(folder / "p.db")
    finished = housing(*command)

    assert stopped.exit_code == 1
    assert "stopped after 2 rows, which are kept" in stopped.stderr
    assert kept == ["request-0", "request-1"]
    assert finished.exit_code == 0, finished.output
    assert _requests(folder / "p.db") == [f"request-{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        ("24h", NOW - timedelta(hours=24)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-01T10:00:00Z", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("2026-11-01T10:00:00+02:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1).astimezone()),
    ],
)
def test_moments_are_durations_before_now_or_iso_times(text: str, meant: datetime) -> None:
    assert moment(text, now=NOW) == meant


def _requests(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        cursor = connection.execute("SELECT request_id FROM predictions ORDER BY timestamp")
        return [request for (request,) in cursor]
