"""A stack, and the chain of the real programs beside it; one for all tests of this folder."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from fakes.http_server import answering, http_server
from housing_cli.data.generated import generate
from integration.running_stack import (
    RunningStack,
    environment_of,
    free_ports,
    local_stack,
    processes_of,
)
from monitoring.chain import Chain, running_chain, settings_or_skip

FIRST_ROWS = 2_000


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    settings_or_skip()
    folder = tmp_path_factory.mktemp("stack")
    first = folder / "first.csv"
    generate(rows=FIRST_ROWS, seed=1).to_csv(first, index=False)
    environment = environment_of(folder, free_ports(3), first)
    try:
        done = local_stack(environment, "up")
        yield RunningStack(folder, environment, done.stdout)
    finally:
        local_stack(environment, "down", check=False)
        for process in processes_of(folder):
            process.kill()


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
