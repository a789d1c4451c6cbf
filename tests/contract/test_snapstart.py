"""A snapshot and a restore, played to AWS's own runtime client as Lambda SnapStart plays them."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from fakes.http_server import answering, http_server
from fakes.onnx_models import linear_model
from fakes.scripted_mlflow import ALIAS, FILE, URI, ScriptedMlflow

EVENT = json.loads((Path(__file__).parents[2] / "events/api-predict.ok.json").read_text())
BOUND_SECONDS = 20
A_DAY = "86400"
HEADERS = {
    "Aws-Request-Id": "8f5069ac-1111-2222-3333-0123456789ab",
    "Deadline-Ms": "99999999999999",
    "Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:predict",
    "Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
    "Client-Context": "",
    "Cognito-Identity": "",
}


class RuntimeApi:
    """The part of Lambda that a runtime client talks to."""

    def __init__(self) -> None:
        self.is_snapped, self.may_restore = threading.Event(), threading.Event()
        self.events: queue.Queue[Any] = queue.Queue()
        self.answers: queue.Queue[Any] = queue.Queue()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if request.path.endswith("/restore/next"):
            self.is_snapped.set()
            assert self.may_restore.wait(BOUND_SECONDS)
            answering(200, b"")(request)
        elif request.path.endswith("/invocation/next"):
            self._next(request)
        else:
            size = int(request.headers["Content-Length"])
            self.answers.put((request.path, json.loads(request.rfile.read(size))))
            answering(202, b"")(request)

    def _next(self, request: BaseHTTPRequestHandler) -> None:
        body = json.dumps(self.events.get(timeout=BOUND_SECONDS)).encode()
        request.send_response(200)
        for name, value in HEADERS.items():
            request.send_header(f"Lambda-Runtime-{name}", value)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@pytest.fixture
def mlflow() -> ScriptedMlflow:
    return ScriptedMlflow(linear_model(bias=1), late_seconds=0, trickle_seconds=0)


@pytest.fixture
def runtime() -> RuntimeApi:
    return RuntimeApi()


@pytest.fixture
def lines(mlflow: ScriptedMlflow, runtime: RuntimeApi, tmp_path: Path) -> Iterator[list[str]]:
    """Start the function; its log grows in the list."""
    lines_read: list[str] = []
    with http_server(mlflow.answer) as registry, http_server(runtime.answer) as api:
        function = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", "predict.handler.lambda_handler"],
            env={
                "PATH": os.environ["PATH"],
                "AWS_LAMBDA_RUNTIME_API": api.removeprefix("http://"),
                "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
                "AWS_LAMBDA_FUNCTION_NAME": "predict",
                "MLFLOW_TRACKING_URI": registry,
                "HOUSING_AUTH": "off",
                "HOUSING_MODEL_TTL_SECONDS": A_DAY,
                "HOUSING_MODEL_DIR": str(tmp_path),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert function.stdout
        reading = threading.Thread(target=lines_read.extend, args=(iter(function.stdout),))
        reading.start()
        yield lines_read
        function.kill()
        function.wait(BOUND_SECONDS)
        reading.join(BOUND_SECONDS)
        function.stdout.close()
        mlflow.ended.set()


def test_the_model_is_in_the_snapshot_and_the_alias_is_asked_for_again_after_a_restore(
    mlflow: ScriptedMlflow, runtime: RuntimeApi, lines: list[str]
) -> None:
    assert runtime.is_snapped.wait(BOUND_SECONDS), lines
    before = list(mlflow.asked)
    mlflow.version, mlflow.model = "2", linear_model(bias=2)
    runtime.may_restore.set()
    for _ in range(2):
        runtime.events.put(EVENT)

    answers = [runtime.answers.get(timeout=BOUND_SECONDS) for _ in range(2)]

    assert before == [ALIAS, URI, FILE]
    assert mlflow.asked[len(before) :] == [ALIAS, URI, FILE]
    assert [path.rpartition("/")[2] for path, _ in answers] == ["response", "response"], lines
    bodies = [json.loads(answer["body"]) for _, answer in answers]
    assert [body["model_version"] for body in bodies] == ["2", "2"]
    assert [body["stale"] for body in bodies] == [False, False]


def test_a_snapshot_serves_its_model_while_the_registry_is_away_and_says_so(
    mlflow: ScriptedMlflow, runtime: RuntimeApi, lines: list[str]
) -> None:
    assert runtime.is_snapped.wait(BOUND_SECONDS), lines
    mlflow.trouble = {ALIAS: answering(503, b"away")}
    runtime.may_restore.set()
    runtime.events.put(EVENT)

    path, answer = runtime.answers.get(timeout=BOUND_SECONDS)

    assert path.endswith("/response"), lines
    body = json.loads(answer["body"])
    assert (body["model_version"], body["stale"]) == ("1", True)


def test_a_version_can_be_published_before_there_is_a_model(
    mlflow: ScriptedMlflow, runtime: RuntimeApi, lines: list[str]
) -> None:
    mlflow.trouble = {ALIAS: answering(400, b'{"error_code": "INVALID_PARAMETER_VALUE"}')}
    assert runtime.is_snapped.wait(BOUND_SECONDS), lines
    mlflow.trouble = {}
    runtime.may_restore.set()
    runtime.events.put(EVENT)

    path, answer = runtime.answers.get(timeout=BOUND_SECONDS)

    assert path.endswith("/response"), lines
    assert json.loads(answer["body"])["model_version"] == "1"


def test_a_hook_that_fails_ends_the_start_and_says_why(runtime: RuntimeApi, tmp_path: Path) -> None:
    with http_server(runtime.answer) as api:
        ran = subprocess.run(
            [sys.executable, "-m", "awslambdaric", "predict.handler.lambda_handler"],
            env={
                "PATH": os.environ["PATH"],
                "AWS_LAMBDA_RUNTIME_API": api.removeprefix("http://"),
                "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
                "AWS_LAMBDA_FUNCTION_NAME": "predict",
                "HOUSING_AUTH": "off",
                "HOUSING_MODEL_DIR": str(tmp_path),
            },
            capture_output=True,
            text=True,
            timeout=BOUND_SECONDS,
            check=False,
        )

    path, error = runtime.answers.get(timeout=BOUND_SECONDS)
    assert (ran.returncode, path.endswith("/init/error")) == (64, True)
    assert not runtime.is_snapped.is_set()
    assert "MLFLOW_TRACKING_URI" in error["errorMessage"]
    assert "MLFLOW_TRACKING_URI" in ran.stdout + ran.stderr
