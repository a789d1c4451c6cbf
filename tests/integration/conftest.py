"""One stack for the whole suite; a test that breaks or ends a stack makes its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.http_server import http_server
from fakes.slack import ScriptedSlack
from integration.lacking import lacking_at, names_of
from integration.running_stack import ENDPOINT, RunningStack, brought_up
from subjects.california.sample import generate

FIRST_ROWS = 3_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what the endpoint cannot do."""
    reasons = lacking_at(ENDPOINT)
    for item in items:
        for name in names_of(item):
            if name in reasons:
                item.add_marker(pytest.mark.skip(reason=reasons[name]))


def write_rows(path: Path, *, rows: int, seed: int) -> Path:
    generate(rows=rows, seed=seed).to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def first_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("data") / "first.csv", rows=FIRST_ROWS, seed=1)


@pytest.fixture(scope="session")
def slack() -> ScriptedSlack:
    """Stands in for Slack; what the stack posts can be read in it."""
    return ScriptedSlack()


@pytest.fixture(scope="session")
def slack_url(slack: ScriptedSlack) -> Iterator[str]:
    with http_server(slack.answer) as url:
        yield f"{url}/services/T0/B0/local"


@pytest.fixture(scope="session")
def stack(
    tmp_path_factory: pytest.TempPathFactory, first_csv: Path, slack_url: str
) -> Iterator[RunningStack]:
    state_dir = tmp_path_factory.mktemp("stack")
    with brought_up(state_dir, first_csv, HOUSING_SLACK_WEBHOOK_URL=slack_url) as running:
        yield running
