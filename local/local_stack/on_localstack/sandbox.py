"""A function's execution environment: its process behind a Runtime API."""

import json
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from local_stack.on_localstack.runtime_api import Invocation, Response, RuntimeApi

_POLL_SECONDS = 0.02
_LAST_ANSWER_SECONDS = 0.2
_END_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Function:
    """Command, environment and limits of a function."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    timeout_seconds: float
    memory_mb: int
    ready_seconds: float = 60.0
    """Limit until it is ready; a busy machine imports slowly."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The response to an invocation, and its log."""

    answer: Response
    log: str


class Sandbox:
    """One process; an invocation restarts it if it ended."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self._scratch = tempfile.TemporaryDirectory(prefix="sandbox-")
        self._log = Path(self._scratch.name) / "log"
        self._log.touch()
        self._read = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._api: RuntimeApi | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> bytes | None:
        """Start the process and wait until it is ready; return the error if it is not."""
        self._end()
        self._api = RuntimeApi()
        own = {"AWS_LAMBDA_RUNTIME_API": self._api.address, "TMPDIR": self._scratch.name}
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._function.command,
                env={**self._function.environment, **own},
                cwd=self._function.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        seconds = self._function.ready_seconds
        deadline = time.monotonic() + seconds
        while not self._api.settled.wait(_POLL_SECONDS):
            if not self.is_alive:
                return _error("Runtime.ExitError", "the runtime ended before it was ready")
            if time.monotonic() > deadline:
                self._end()
                return _error("Sandbox.Timedout", f"not ready within {seconds:g} s")
        return self._api.init_error

    def call(
        self, request_id: str, payload: bytes, *, function_arn: str, trace_id: str = ""
    ) -> Outcome:
        """Invoke the function, within its timeout."""
        started = time.monotonic()
        error = None if self.is_alive else self.start()
        if error is None and self._api:
            seconds = self._function.timeout_seconds
            deadline_ms = int((time.time() + seconds) * 1_000)
            self._api.ask(Invocation(request_id, payload, function_arn, deadline_ms, trace_id))
            answer = self._answer(self._api, request_id, time.monotonic() + seconds)
        else:
            answer = Response(error or b"", is_error=True)
        return Outcome(answer, self._report(request_id, time.monotonic() - started))

    def _answer(self, api: RuntimeApi, request_id: str, deadline: float) -> Response:
        while time.monotonic() < deadline:
            if answer := api.answer(_POLL_SECONDS):
                return answer
            if not self.is_alive:
                late = api.answer(_LAST_ANSWER_SECONDS)
                return late or Response(_exited(request_id), is_error=True)
        self._end()
        return Response(_timed_out(request_id, self._function.timeout_seconds), is_error=True)

    def _report(self, request_id: str, seconds: float) -> str:
        """Return the output since the last invocation, between Lambda's own lines.

        The function has responded, so that all its output is in the file.
        """
        figures = f"{seconds * 1_000:.2f} ms\tMemory Size: {self._function.memory_mb} MB"
        lines = [
            f"START RequestId: {request_id} Version: $LATEST",
            *self.unread().splitlines(),
            f"END RequestId: {request_id}",
            f"REPORT RequestId: {request_id}\tDuration: {figures}",
        ]
        return "\n".join(lines)

    def unread(self) -> str:
        """Return the output since the last call."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            written = log.read()
        self._read += len(written)
        return written.decode("utf-8", "replace")

    def close(self) -> None:
        """Stop the process and delete its output."""
        self._end()
        self._scratch.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end(self) -> None:
        process, self._process = self._process, None
        api, self._api = self._api, None
        if process:
            process.kill()
            process.wait(_END_SECONDS)
        if api:
            api.close()


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


def _exited(request_id: str) -> bytes:
    return _error("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited")


def _timed_out(request_id: str, seconds: float) -> bytes:
    message = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
    return _error("Sandbox.Timedout", message)
