"""A stack, and the chain of the real programs beside it; one for all tests of this folder."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from fakes.http_server import answering, http_server
from integration.running_stack import RunningStack, brought_up
from monitoring.chain import Chain, running_chain, settings_or_skip
from subjects.california.sample import generate

FIRST_ROWS = 2_000


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    settings_or_skip()
    folder = tmp_path_factory.mktemp("stack")
    first = folder / "first.csv"
    generate(rows=FIRST_ROWS, seed=1).to_csv(first, index=False)
    shadow = {"HOUSING_SHADOW_SHARE": "1", "HOUSING_SHADOW_BUDGET_MS": "1000"}
    with brought_up(folder, first, **shadow) as running:
        yield running


@pytest.fixture(scope="session")
def chain(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    received: list[dict[str, Any]] = []

    def keep(request: BaseHTTPRequestHandler) -> None:
        received.append(json.loads(request.rfile.read(int(request.headers["Content-Length"]))))
        answering(200, b"ok")(request)

    folder = tmp_path_factory.mktemp("chain")
    with (
        http_server(keep) as webhook,
        running_chain(folder, stack.env, webhook, received) as running,
    ):
        yield running
