"""``housing open`` and ``housing env``."""

import json
import subprocess
from pathlib import Path

import pytest

from fakes.command_line import CommandLine


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    urls: list[str] = []

    def opens(url: str) -> bool:
        urls.append(url)
        return True

    monkeypatch.setattr("webbrowser.open", opens)
    return urls


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        ((), "http://registry.test/#/models/california-housing"),
        (("mlflow",), "http://registry.test"),
        (("page",), "http://api.test/"),
        (("docs",), "http://api.test/docs"),
        (("health",), "http://api.test/health"),
    ],
)
def test_a_page_is_opened_and_its_address_printed(
    housing: CommandLine, opened: list[str], arguments: tuple[str, ...], url: str
) -> None:
    result = housing("open", *arguments)

    assert (result.exit_code, result.stdout, opened) == (0, f"{url}\n", [url])


def test_a_models_name_is_quoted_in_the_address(
    housing: CommandLine, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSING_MODEL_NAME", "a b/c?d")

    housing("open")

    assert opened == ["http://registry.test/#/models/a%20b%2Fc%3Fd"]


def test_a_script_reads_the_address_without_a_browser(
    housing: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda _: False)

    result = housing("open", "docs", "--json")

    assert json.loads(result.stdout) == {"url": "http://api.test/docs", "opened": False}


def test_env_sets_the_variables_of_a_shell(housing: CommandLine, folder: Path) -> None:
    (folder / ".local").mkdir()
    (folder / ".local/env").write_text("HOUSING_BUCKET=b\nHOUSING_API_KEY=a'b c$d=\n")

    printed = housing("env").stdout

    done = subprocess.run(
        ["/bin/sh", "-c", f'{printed}\nprintf %s "$HOUSING_BUCKET $HOUSING_API_KEY"'],
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "b a'b c$d="
    assert json.loads(housing("env", "--json").stdout)["HOUSING_API_KEY"] == "a'b c$d="


def test_env_without_a_stack_says_what_to_do(housing: CommandLine) -> None:
    result = housing("env")

    assert result.exit_code == 1
    assert "run this in the checkout after `make run`" in result.stderr
