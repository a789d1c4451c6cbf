"""``housing rollback`` and ``housing promote`` ask the API with the administrator's key."""

import json
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
def test_a_change_is_asked_for_and_told(
    housing: CommandLine, api: Api, command: list[str], asked: tuple[str, Any]
) -> None:
    done = housing(*command)

    assert done.exit_code == 0
    assert api.asked == [(asked[0], "admin-1", asked[1])]
    assert "version 1 is in production; before, it was 2" in done.stdout


def test_json_is_what_the_api_said(housing: CommandLine) -> None:
    done = housing("rollback", "--reason", "odd", "--json")

    assert json.loads(done.stdout) == {"version": "1", "from_version": "2", "changed": True}


def test_nothing_to_change_is_said(housing: CommandLine, api: Api) -> None:
    api.answer = httpx.Response(200, json={"version": "1", "from_version": "1", "changed": False})

    assert "already" in housing("promote", "1", "--reason", "odd").stdout


@pytest.mark.parametrize("command", [["rollback"], ["promote", "1"]])
def test_a_refusal_is_told_in_the_apis_words(
    housing: CommandLine, api: Api, command: list[str]
) -> None:
    api.answer = httpx.Response(409, json={"title": "Conflict", "detail": "it does not load"})

    done = housing(*command, "--reason", "odd")

    assert done.exit_code == 1
    assert "it does not load" in done.stderr


def test_without_a_reason_nothing_is_asked(housing: CommandLine, api: Api) -> None:
    assert housing("rollback").exit_code == 2
    assert api.asked == []
