"""A real MLflow server goes away and comes back while predictions are asked for."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from fakes.asgi_client import AsgiClient
from fakes.last_promoted import FakeLastPromotedModel
from fakes.model_changes import no_changes
from fakes.onnx_models import linear_model
from fakes.written_lines import WrittenLines
from housing.registry.mlflow import MlflowModelRegistry
from housing.registry.port import PRODUCTION
from housing.schema import FEATURES
from predict.access.auth import OpenAccess
from predict.http.app import create_app
from predict.model.loading import ModelFiles
from predict.model.store import RegistryModelStore
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry

NAME = "california-housing"
SLOWEST_SECONDS = 2.5
RECOVERS_WITHIN_SECONDS = 60
BODY = {column.name: column.example for column in FEATURES}
Ask = Callable[[], httpx.Response]


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def service(
    uri: str, folder: Path, loop: asyncio.AbstractEventLoop, copy: FakeLastPromotedModel
) -> Ask:
    """Build the app over the server; what is returned asks for a prediction: in time, with 200."""
    store = RegistryModelStore(
        MlflowModelRegistry(uri, NAME),
        ModelFiles(folder),
        alias=PRODUCTION,
        ttl=timedelta(seconds=0.2),
        last_promoted=copy,
    )
    settings = PredictSettings(auth="off", stage="test", tracking_uri=uri, model_dir=folder)
    client = AsgiClient(
        create_app(settings, store, Telemetry(WrittenLines()), OpenAccess(), no_changes), loop
    )

    def ask() -> httpx.Response:
        started = time.monotonic()
        answer = client.post_json("/predict", BODY)
        assert answer.status_code == 200, answer.text
        assert time.monotonic() - started < SLOWEST_SECONDS
        return answer

    return ask


def asked_until(ask: Ask, **headers: str | None) -> None:
    """Ask again and again until the answer's headers are these."""
    wanted = {f"X-Model-{name.capitalize()}": value for name, value in headers.items()}
    deadline = time.monotonic() + RECOVERS_WITHIN_SECONDS
    received: dict[str, Any] = {}
    while time.monotonic() < deadline:
        answer = ask()
        received = {name: answer.headers.get(name) for name in wanted}
        if received == wanted:
            return
        time.sleep(0.02)
    pytest.fail(f"wanted {wanted}, last seen {received}")


def test_no_request_fails_while_the_registry_is_away_and_the_next_version_follows(
    mlflow_server: Any, tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    mlflow_server.promote(linear_model(bias=1), name=NAME)
    ask = service(mlflow_server.uri, tmp_path / "warm", loop, FakeLastPromotedModel())
    asked_until(ask, version="1", stale=None)

    mlflow_server.stop()
    asked_until(ask, version="1", stale="true")
    copy = FakeLastPromotedModel()
    copy.put(linear_model(bias=1))
    cold = service(mlflow_server.uri, tmp_path / "cold", loop, copy)
    asked_until(cold, version="1", stale="true")

    mlflow_server.start()
    asked_until(ask, version="1", stale=None)
    asked_until(cold, version="1", stale=None)
    mlflow_server.promote(linear_model(bias=2), name=NAME)
    asked_until(ask, version="2", stale=None)
    asked_until(cold, version="2", stale=None)
