"""``housing data list``, ``exclude`` and ``include`` ask the API with the administrator's key."""

import json
from typing import Any

import httpx
import pytest

from fakes.command_line import CommandLine
from housing_cli.services import Services

JOB = "aaaa000011112222"
EXCLUSION = {"who": "api key anna", "since": "2026-11-30T16:15:00Z", "why": "a [wrong] unit"}


def upload(*, is_out: bool = False, **changes: Any) -> dict[str, Any]:
    known = {
        "job_id": JOB,
        "part": "0a1b",
        "file": "bad.csv",
        "source": "upload",
        "rows": 1_500,
        "uploaded_at": "2026-11-30T12:00:00Z",
        "state": "excluded" if is_out else "included",
        "exclusion": EXCLUSION if is_out else None,
    }
    return {**known, **changes}


class Api:
    """Answers as the API would, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str | None, Any]] = []
        self.answer = httpx.Response(200, json={"uploads": []})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        key = request.headers.get("x-api-key")
        body = json.loads(request.content) if request.content else None
        self.asked.append((request.method, request.url.raw_path.decode(), key, body))
        return self.answer


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def housing(api: Api, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.setenv("HOUSING_ADMIN_KEY", "admin-1")
    return CommandLine(Services(api_transport=httpx.MockTransport(api)))


def test_the_uploads_are_listed_with_what_is_left_out_and_why(
    housing: CommandLine, api: Api
) -> None:
    unknown = upload(job_id="0a1b", file=None, source=None, rows=None)
    api.answer = httpx.Response(200, json={"uploads": [upload(is_out=True), unknown]})

    done = housing("data", "list", "--limit", "7")

    assert done.exit_code == 0, done.output
    heading, first, second = done.stdout.splitlines()
    assert heading.split() == [
        "job",
        "file",
        "source",
        "rows",
        "uploaded",
        "state",
        "who",
        "why",
    ]
    assert first.split()[:4] == [JOB, "bad.csv", "upload", "1,500"]
    assert first.rstrip().endswith("a [wrong] unit")
    assert "excluded" in first
    assert second.split()[0] == "0a1b"
    assert second.split()[-1] == "included"
    assert api.asked == [("GET", "/data?limit=7", "admin-1", None)]


def test_an_empty_data_set_says_how_to_fill_it(housing: CommandLine) -> None:
    assert "housing upload FILE.csv" in housing("data", "list").stdout


def test_the_list_for_scripts_is_what_the_api_said(housing: CommandLine, api: Api) -> None:
    uploads = [upload(is_out=True), upload()]
    api.answer = httpx.Response(200, json={"uploads": uploads})

    assert json.loads(housing("data", "list", "--json").stdout) == uploads


@pytest.mark.parametrize(
    ("command", "is_out", "changed", "line"),
    [
        (
            "exclude",
            True,
            True,
            (
                f"the 1,500 rows of job {JOB} (bad.csv) are excluded: the next job trains "
                f"without them; include them again with `housing data include {JOB} --reason …`"
            ),
        ),
        ("exclude", True, False, f"the 1,500 rows of job {JOB} (bad.csv) are already excluded"),
        (
            "include",
            False,
            True,
            f"the 1,500 rows of job {JOB} (bad.csv) are in the data set again: the next job",
        ),
        ("include", False, False, f"the 1,500 rows of job {JOB} (bad.csv) are already in"),
    ],
)
def test_a_choice_is_requested_and_its_result_printed(  # noqa: PLR0913, PLR0917 - fixtures and a case
    housing: CommandLine,
    api: Api,
    command: str,
    is_out: bool,  # noqa: FBT001 - a case
    changed: bool,  # noqa: FBT001 - a case
    line: str,
) -> None:
    said = {"upload": upload(is_out=is_out), "changed": changed}
    api.answer = httpx.Response(200, json=said)

    done = housing("data", command, JOB, "--reason", "why not")

    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(line)
    asked = {"job": JOB, "reason": "why not"}
    assert api.asked == [("POST", f"/data/{command}", "admin-1", asked)]
    scripted = housing("data", command, JOB, "--reason", "why not", "--json")
    assert json.loads(scripted.stdout) == said


def test_an_exclusion_that_stands_says_whose_it_is(housing: CommandLine, api: Api) -> None:
    said = {"upload": upload(is_out=True, rows=None, file=None), "changed": False}
    api.answer = httpx.Response(200, json=said)

    line = housing("data", "exclude", JOB, "--reason", "me too").stdout

    assert line.startswith(f"the rows of job {JOB} are already excluded, since 20")
    assert "by api key anna (a [wrong] unit); include them again with `housing data include" in line


@pytest.mark.parametrize("command", ["exclude", "include"])
def test_a_refusal_prints_the_detail_of_the_api(
    housing: CommandLine, api: Api, command: str
) -> None:
    api.answer = httpx.Response(404, json={"title": "Not Found", "detail": "no rows of a job x"})

    done = housing("data", command, "x", "--reason", "odd")

    assert done.exit_code == 1
    assert "no rows of a job x" in done.stderr


@pytest.mark.parametrize("command", ["exclude", "include"])
def test_without_a_reason_nothing_is_asked(housing: CommandLine, api: Api, command: str) -> None:
    assert housing("data", command, JOB).exit_code == 2
    assert api.asked == []
