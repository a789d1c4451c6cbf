"""A real MLflow server for the contract tests, on loopback."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest
import urllib3

_STARTS_WITHIN_SECONDS = 90
_POLL_SECONDS = 0.2


@pytest.fixture(scope="session")
def mlflow_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a tracking server on SQLite with files as artifacts; it ends with the session."""
    folder = tmp_path_factory.mktemp("mlflow")
    port = _free_port()
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
        *("--artifacts-destination", str(folder / "artifacts"), "--serve-artifacts"),
    ]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        uri = f"http://127.0.0.1:{port}"
        _wait_until_up(uri, server, log.name)
        yield uri
    finally:
        _end(server)


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
