"""The model store over HTTP: whatever the registry does, no request waits over the budget."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from fakes.http_server import Answer, answering, http_server
from fakes.onnx_models import linear_model
from fakes.scripted_mlflow import ALIAS, FILE, URI, ScriptedMlflow
from housing.registry.mlflow import MlflowModelRegistry
from housing.registry.port import PRODUCTION
from predict.errors import ModelUnavailableError
from predict.model.loading import ModelFiles, ServedModel
from predict.model.store import RegistryModelStore

BUDGET_SECONDS = 0.6
SLACK_SECONDS = 0.3
OLD, NEW = linear_model(bias=1), linear_model(bias=2)


def tampered(request: BaseHTTPRequestHandler) -> None:
    answering(200, NEW[:-1] + b"\0")(request)


@pytest.fixture
def mlflow() -> ScriptedMlflow:
    return ScriptedMlflow(
        OLD, late_seconds=BUDGET_SECONDS * 0.6, trickle_seconds=BUDGET_SECONDS / 10
    )


@pytest.fixture
def store(mlflow: ScriptedMlflow, tmp_path: Path) -> Iterator[RegistryModelStore]:
    with http_server(mlflow.answer) as uri:
        yield RegistryModelStore(
            MlflowModelRegistry(uri, "m", timeout_seconds=5),
            ModelFiles(tmp_path),
            alias=PRODUCTION,
            ttl=timedelta(0),
            budget=timedelta(seconds=BUDGET_SECONDS),
        )
        mlflow.ended.set()


Trouble = Callable[[ScriptedMlflow], dict[str, Answer]]
TROUBLES: dict[str, Trouble] = {
    "silent alias": lambda mlflow: {ALIAS: mlflow.silent},
    "silent file": lambda mlflow: {FILE: mlflow.silent},
    "headers trickle": lambda mlflow: {ALIAS: mlflow.trickling_headers},
    "body trickles": lambda mlflow: {ALIAS: mlflow.trickling_body},
    "file trickles": lambda mlflow: {FILE: mlflow.trickling_body},
    # Three such calls are over the budget.
    "each call is late": lambda mlflow: dict.fromkeys((ALIAS, URI, FILE), mlflow.late),
    "alias 500": lambda _: {ALIAS: answering(500, b"oops")},
    "file 503": lambda _: {FILE: answering(503, b"oops")},
    "alias garbage": lambda _: {ALIAS: answering(200, b"\xff<html>")},
    "location garbage": lambda _: {URI: answering(200, b"[]")},
    "file missing": lambda _: {FILE: answering(404, b"{}")},
    "file truncated": lambda mlflow: {FILE: mlflow.truncated},
    "file tampered": lambda _: {FILE: tampered},
}


def timed(ask: Callable[[], ServedModel]) -> tuple[ServedModel, float]:
    started = time.monotonic()
    served = ask()
    return served, time.monotonic() - started


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_warm_request_is_answered_by_the_old_version_within_the_budget(
    store: RegistryModelStore, mlflow: ScriptedMlflow, trouble: str
) -> None:
    store.current()
    mlflow.version, mlflow.model = "2", NEW
    mlflow.trouble = TROUBLES[trouble](mlflow)

    served, seconds = timed(store.current)

    assert (served.version.version, served.stale) == ("1", True)
    assert seconds < BUDGET_SECONDS + SLACK_SECONDS


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_cold_request_gets_model_unavailable_within_the_budget(
    store: RegistryModelStore, mlflow: ScriptedMlflow, trouble: str
) -> None:
    mlflow.version, mlflow.model = "2", NEW
    mlflow.trouble = TROUBLES[trouble](mlflow)

    started = time.monotonic()
    with pytest.raises(ModelUnavailableError):
        store.current()

    assert time.monotonic() - started < BUDGET_SECONDS + SLACK_SECONDS


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_new_version_is_served_once_the_trouble_is_over(
    store: RegistryModelStore, mlflow: ScriptedMlflow, trouble: str
) -> None:
    store.current()
    mlflow.version, mlflow.model = "2", NEW
    mlflow.trouble = TROUBLES[trouble](mlflow)
    store.current()
    mlflow.trouble = {}

    served = store.current()

    assert (served.version.version, served.stale, served.reason) == ("2", False, None)
