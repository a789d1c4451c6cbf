"""A built function under AWS's runtime emulator and runtime client, as Lambda would run it.

The emulator lies in the aws-sam-cli wheel. https://github.com/aws/aws-lambda-runtime-interface-emulator
"""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import urllib3

from local_stack.settings import StackSettings
from servers.running import free_port

_INVOKE = "2015-03-31/functions/function/invocations"
_UP_WITHIN_SECONDS = 20
_ANSWER_SECONDS = 60
_VENVS = StackSettings().venvs_dir
LAMBDA_PYTHON = _VENVS / "lambda/bin/python"
"""Python 3.13 with what Lambda's own has: the runtime client and boto3."""


class EmulatedFunction:
    """A function that can be invoked."""

    def __init__(self, port: int, log: Path) -> None:
        self._url = f"http://127.0.0.1:{port}/{_INVOKE}"
        self._log = log

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """Return what the function answers; of a failure its errorType and errorMessage."""
        body = json.dumps(event).encode()
        answer = urllib3.request(
            "POST", self._url, body=body, timeout=_ANSWER_SECONDS, retries=False
        )
        return json.loads(answer.data)

    def said(self) -> str:
        """Return what it wrote."""
        return self._log.read_text(errors="replace")


@contextmanager
def emulated(
    handler: str, *, task: Path, layers: list[Path], scratch: Path, variables: Mapping[str, str]
) -> Iterator[EmulatedFunction]:
    """Run a function on loopback, and end it.

    Args:
        handler: Its entry.
        task: The function's own folder, which Lambda has at /var/task, and searches first.
        layers: Its layers' folders ``python``, which Lambda has at /opt/python.
        scratch: An empty folder in place of /tmp.
        variables: Its environment.
    """
    port, log = free_port(), scratch / "log"
    [emulator] = (_VENVS / "sam").glob("lib/python3*/site-packages/samcli/local/rapid/*-x86_64")
    command = [
        *(str(emulator), "--log-level", "error"),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{free_port()}"),
        *(str(LAMBDA_PYTHON), "-P", "-m", "awslambdaric", handler),
    ]
    environment = {
        "PATH": "/usr/bin:/bin",
        "TMPDIR": str(scratch),
        "PYTHONPATH": ":".join(map(str, [task, *layers])),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(task),
        "AWS_LAMBDA_FUNCTION_NAME": handler.partition(".")[0],
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "29",
        **variables,
    }
    with log.open("wb") as output:
        started = subprocess.Popen(
            command, cwd=task, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _await(started, port)
        yield EmulatedFunction(port, log)
    finally:
        _end(started)


def _await(started: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _UP_WITHIN_SECONDS
    process = psutil.Process(started.pid)
    while not any(
        connection.laddr.port == port for connection in process.net_connections(kind="inet")
    ):
        assert started.poll() is None, "the emulator ended at once"
        assert time.monotonic() < deadline, "the emulator does not listen"
        time.sleep(0.05)


def _end(started: subprocess.Popen[bytes]) -> None:
    parent = psutil.Process(started.pid)
    family = [*parent.children(recursive=True), parent]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=10)
    started.wait()
