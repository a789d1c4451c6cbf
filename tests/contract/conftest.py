"""A real MLflow server for the contract tests, on loopback."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import urllib3

_STARTS_WITHIN_SECONDS = 90
_POLL_SECONDS = 0.2


class MlflowServer:
    """A tracking server on SQLite with files as artifacts; it can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.uri = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it and return at once."""
        destination = str(self._folder / "artifacts")
        command = [
            *(sys.executable, "-m", "mlflow", "server"),
            *("--host", "127.0.0.1", "--port", str(self._port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{self._folder / 'mlflow.db'}"),
            *("--artifacts-destination", destination, "--serve-artifacts"),
        ]
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
        environment.pop("MLFLOW_TRACKING_URI", None)
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def wait_until_up(self) -> None:
        """Return when it answers; fail where it does not."""
        assert self._process
        _wait_until_up(self.uri, self._process, str(self._folder / "server.log"))

    def stop(self) -> None:
        """End it, where it runs."""
        if self._process:
            _end(self._process)
            self._process = None


@contextmanager
def _running(folder: Path) -> Iterator[MlflowServer]:
    server = MlflowServer(folder)
    try:
        server.start()
        server.wait_until_up()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def mlflow_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a tracking server that ends with the session."""
    with _running(tmp_path_factory.mktemp("mlflow")) as server:
        yield server.uri


@pytest.fixture
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A tracking server of the test's own."""
    with _running(tmp_path_factory.mktemp("own-mlflow")) as server:
        yield server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_up(uri: str, server: subprocess.Popen[bytes], log_path: str) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if urllib3.request("GET", f"{uri}/health", retries=False, timeout=2).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            time.sleep(_POLL_SECONDS)
    pytest.fail(f"the MLflow server did not come up; its log is {log_path}")


def _end(server: subprocess.Popen[bytes]) -> None:
    processes = [*psutil.Process(server.pid).children(recursive=True), psutil.Process(server.pid)]
    for process in processes:
        process.kill()  # nothing that it holds is kept
    psutil.wait_procs(processes, timeout=10)
    server.wait()
