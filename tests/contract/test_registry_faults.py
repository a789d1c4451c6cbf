"""A real MLflow server behind a proxy that breaks its answers, while predictions are asked for."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import pytest

from fakes.faulty_proxy import FaultyProxy
from fakes.http_server import http_server
from fakes.network_faults import LASTING
from fakes.onnx_models import linear_model
from fakes.written_lines import WrittenLines
from housing.registry.mlflow import MlflowModelRegistry
from housing.registry.port import PRODUCTION
from housing.schema import FEATURES
from predict.access.auth import OpenAccess
from predict.messages import Request, Response
from predict.model.loading import ModelFiles
from predict.model.store import RegistryModelStore
from predict.scoring.service import ScoringService
from predict.telemetry.telemetry import Telemetry

SLOWEST_SECONDS = 2.5
SEEN_WITHIN_SECONDS = 30
THREADS = 4
BODY = json.dumps({column.name: column.example for column in FEATURES}).encode()
CALL = Request("POST", "/predict", "application/json", BODY)
Promote = Callable[..., str]


@dataclass
class Load:
    """Threads that ask without a pause, and what they saw."""

    lane: ScoringService
    slowest_seconds: float = 0.0
    failed: list[bytes] = field(default_factory=list)
    answered: int = 0
    last: Response | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.ended.is_set():
            started = time.monotonic()
            answer = self.lane.respond(CALL)
            self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - started)
            self.answered += 1
            if answer.status != HTTPStatus.OK:
                self.failed.append(answer.body)
            self.last = answer
            time.sleep(0.002)  # other tests want to live, too

    def until(self, *, version: str, stale: bool) -> None:
        """Wait until an answer is of this version, and stale or not."""
        wanted = (version, "true" if stale else None)
        deadline, seen = time.monotonic() + SEEN_WITHIN_SECONDS, None
        while time.monotonic() < deadline:
            headers = self.last.headers if self.last else {}
            seen = (headers.get("X-Model-Version"), headers.get("X-Model-Stale"))
            if seen == wanted:
                return
            time.sleep(0.01)
        pytest.fail(f"wanted {wanted}, last seen {seen}")


@pytest.fixture(scope="module")
def proxy(mlflow_uri: str) -> Iterator[tuple[FaultyProxy, str]]:
    proxy = FaultyProxy(registry=mlflow_uri)
    with http_server(proxy.answer, keeps_alive=True) as uri:
        yield proxy, uri


@pytest.mark.parametrize("fault", LASTING)
def test_no_request_fails_or_waits_long_and_the_next_version_follows(
    proxy: tuple[FaultyProxy, str], promote: Promote, tmp_path: Path, fault: str
) -> None:
    faulty, uri = proxy
    name = f"housing-{fault.replace(' ', '-')}"
    promote(linear_model(bias=1), name=name)
    store = RegistryModelStore(
        MlflowModelRegistry(uri, name),
        ModelFiles(tmp_path),
        alias=PRODUCTION,
        ttl=timedelta(seconds=0.2),
    )
    load = Load(ScoringService(store, Telemetry(WrittenLines()), OpenAccess(), max_rows=10))
    threads = [threading.Thread(target=load.run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        load.until(version="1", stale=False)
        load.slowest_seconds = 0.0  # the cold start downloads and loads; what follows must not wait
        faulty.restart(lambda _: LASTING[fault])
        promote(linear_model(bias=2), name=name)
        load.until(version="1", stale=True)
        time.sleep(1)  # more than one look-up under the fault
        load.until(version="1", stale=True)
        faulty.restart()
        load.until(version="2", stale=False)
    finally:
        faulty.restart()
        load.ended.set()
        for thread in threads:
            thread.join()

    assert load.failed == []
    assert load.slowest_seconds < SLOWEST_SECONDS
    assert load.answered > THREADS
