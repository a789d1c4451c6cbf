"""``housing rollback``, ``promote`` and ``resume`` ask the API with the administrator's key."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from fakes.command_line import CommandLine
from housing_cli.services import Services


class Api:
    """Answers as the API would, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None, Any]] = []
        self.answer = httpx.Response(
            200, json={"version": "1", "from_version": "2", "changed": True}
        )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        key = request.headers.get("x-api-key")
        self.asked.append((request.url.path, key, json.loads(request.content)))
        return self.answer


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def housing(api: Api, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.setenv("HOUSING_ADMIN_KEY", "admin-1")
    return CommandLine(Services(api_transport=httpx.MockTransport(api)))


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        (["rollback", "--reason", "odd"], ("/models/rollback", {"reason": "odd"})),
        (
            ["rollback", "--to", "1", "--reason", "odd"],
            ("/models/rollback", {"reason": "odd", "to": "1"}),
        ),
        (
            ["promote", "3", "--reason", "good"],
            ("/models/promote", {"version": "3", "reason": "good"}),
        ),
    ],
)
def test_a_change_is_requested_and_its_result_printed(
    housing: CommandLine, api: Api, command: list[str], asked: tuple[str, Any]
) -> None:
    done = housing(*command)

    assert done.exit_code == 0
    assert api.asked == [(asked[0], "admin-1", asked[1])]
    assert "version 1 is in production; the version before was 2" in done.stdout


def test_json_is_what_the_api_said(housing: CommandLine) -> None:
    done = housing("rollback", "--reason", "odd", "--json")

    assert json.loads(done.stdout) == {"version": "1", "from_version": "2", "changed": True}


def test_nothing_to_change_is_said(housing: CommandLine, api: Api) -> None:
    api.answer = httpx.Response(200, json={"version": "1", "from_version": "1", "changed": False})

    assert "already" in housing("promote", "1", "--reason", "odd").stdout


STOP = {
    "stopped": True,
    "since": "2026-11-30T16:15:00Z",
    "who": "api key anna",
    "why": "odd [prices]",
}


@pytest.mark.parametrize("command", [["rollback"], ["promote", "1"]])
def test_a_stop_is_printed_with_the_command_that_ends_it(
    housing: CommandLine, api: Api, command: list[str]
) -> None:
    said = {"version": "1", "from_version": "2", "changed": True, "automatic_promotion": STOP}
    api.answer = httpx.Response(200, json=said)

    done = housing(*command, "--reason", "odd")

    _, line = done.stdout.splitlines()
    since = datetime(2026, 11, 30, 16, 15, tzinfo=UTC).astimezone()
    assert line == (
        f"automatic promotion is stopped since {since:%Y-%m-%d %H:%M} by api key anna "
        "(odd [prices]): housing resume --reason …"
    )


def test_rows_released_by_a_promotion_are_printed(housing: CommandLine, api: Api) -> None:
    said = {"version": "3", "from_version": "2", "changed": True, "included": ["job-1", "job-2"]}
    api.answer = httpx.Response(200, json=said)

    done = housing("promote", "3", "--reason", "right")

    assert "held rows are included in the data set again: job job-1, job-2" in done.stdout


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (True, "automatic promotion is allowed again; it was stopped since 20"),
        (False, "automatic promotion was not stopped"),
    ],
)
def test_resuming_says_what_it_ended(
    housing: CommandLine, api: Api, line: str, *, changed: bool
) -> None:
    before = STOP if changed else {"stopped": False, "since": None, "who": None, "why": None}
    api.answer = httpx.Response(200, json={"changed": changed, "before": before})

    done = housing("resume", "--reason", "it was right")

    assert done.exit_code == 0
    assert done.stdout.startswith(line)
    assert api.asked == [("/models/resume", "admin-1", {"reason": "it was right"})]


def test_resuming_for_scripts_is_what_the_api_said(housing: CommandLine, api: Api) -> None:
    api.answer = httpx.Response(200, json={"changed": True, "before": STOP})

    done = housing("resume", "--reason", "it was right", "--json")

    assert json.loads(done.stdout) == {"changed": True, "before": STOP}


@pytest.mark.parametrize("command", [["rollback"], ["promote", "1"], ["resume"]])
def test_a_refusal_prints_the_detail_of_the_api(
    housing: CommandLine, api: Api, command: list[str]
) -> None:
    api.answer = httpx.Response(409, json={"title": "Conflict", "detail": "it does not load"})

    done = housing(*command, "--reason", "odd")

    assert done.exit_code == 1
    assert "it does not load" in done.stderr


def test_without_a_reason_nothing_is_asked(housing: CommandLine, api: Api) -> None:
    assert housing("rollback").exit_code == 2
    assert api.asked == []
