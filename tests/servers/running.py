"""One server process: started, waited for, ended with all of its children."""

import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
import pytest
import urllib3

_STARTS_WITHIN_SECONDS = 90
_POLL_SECONDS = 0.2


class Server:
    """A program that answers HTTP; it can be stopped and started again."""

    def __init__(
        self, command: Sequence[str], *, port: int, folder: Path, health_path: str = "/health"
    ) -> None:
        """Remember how to start it.

        Args:
            command: The program and its arguments.
            port: Where it will listen.
            folder: Its working directory; its log is kept there.
            health_path: Answers 200 once it is up.
        """
        self.uri = f"http://127.0.0.1:{port}"
        self._health_url = f"{self.uri}{health_path}"
        self._command = list(command)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start it and return at once."""
        variables = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", **(environment or {})}
        variables.pop("MLFLOW_TRACKING_URI", None)
        with self._log().open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=variables,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_up(self) -> None:
        """Return when it answers; fail where it does not."""
        deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
        while time.monotonic() < deadline and self._process and self._process.poll() is None:
            try:
                response = urllib3.request("GET", self._health_url, retries=False, timeout=2)
                if response.status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                time.sleep(_POLL_SECONDS)
        pytest.fail(f"the server did not come up: {self._log().read_text()[-2_000:]}")

    def stop(self) -> None:
        """End it, where it runs."""
        if self._process is None or self._process.poll() is not None:
            return
        parent = psutil.Process(self._process.pid)
        processes = [*parent.children(recursive=True), parent]
        for process in processes:
            process.kill()  # nothing that it holds is kept
        psutil.wait_procs(processes, timeout=10)
        self._process.wait()
        self._process = None

    def _log(self) -> Path:
        return self._folder / "server.log"


def free_port() -> int:
    """Return a port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
