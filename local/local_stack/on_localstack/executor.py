"""Executor of LocalStack that runs a function as a process under AWS's runtime client.

LocalStack loads it by an entry point (``LAMBDA_RUNTIME_EXECUTOR=process``). It runs the package's
``bootstrap``, as MiniStack does: see ``packaging``.
"""

from pathlib import Path
from typing import Any

from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from local_stack.on_localstack.sandbox import Function, Sandbox

_LOOPBACK = "127.0.0.1"
_SYSTEM = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8", "TZ": "UTC"}
_INTERNAL = "LOCALSTACK_"


class ProcessExecutor(RuntimeExecutor):  # type: ignore[misc]  # mypy runs without LocalStack
    """One execution environment of a function version."""

    _sandbox: Sandbox | None = None

    def start(self, env_vars: dict[str, Any]) -> None:
        """Start the process.

        Raises:
            StatusErrorException: It is not ready in time; LocalStack reports it to the caller.
        """
        self._sandbox = Sandbox(_function(self.function_version, env_vars))
        if error := self._sandbox.start():
            msg = f"{self.function_version.qualified_arn} is not ready: {self.get_logs()}"
            raise StatusErrorException(msg, payload=error)

    def stop(self) -> None:
        """Stop the process."""
        if self._sandbox:
            self._sandbox.close()

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Invoke the function."""
        if self._sandbox is None:
            msg = "the function was invoked before its start"
            raise RuntimeError(msg)
        request_id = payload["invoke-id"]
        outcome = self._sandbox.call(
            request_id,
            payload["payload"].encode(),
            function_arn=payload["invoked-function-arn"],
            trace_id=payload["trace-id"],
        )
        answer = outcome.answer
        return InvocationResult(request_id, answer.body, answer.is_error, outcome.log)

    def get_logs(self) -> str:
        """Return the output that no invocation has returned."""
        return self._sandbox.unread() if self._sandbox else ""

    def get_address(self) -> str:
        """Return the address of the process."""
        return _LOOPBACK

    def get_endpoint_from_executor(self) -> str:
        """Return LocalStack's address for the function."""
        return _LOOPBACK

    def get_runtime_endpoint(self) -> str:
        """Return no address: the sandbox has its own Runtime API."""
        return ""

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpack the code."""
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Do nothing: the code is deleted with LocalStack's folder."""


class ProcessExecutorPlugin(RuntimeExecutorPlugin):  # type: ignore[misc]  # the same
    """Registers the executor as ``process``."""

    name = "process"

    def load(self, *_: object, **__: object) -> type[ProcessExecutor]:
        """Return the executor."""
        return ProcessExecutor


def _function(version: FunctionVersion, variables: dict[str, Any]) -> Function:
    folder = Path(version.config.code.get_unzipped_code_location())
    own = {name: str(v) for name, v in variables.items() if not name.startswith(_INTERNAL)}
    return Function(
        command=[str(folder / "bootstrap")],
        environment={**_SYSTEM, **own, "LAMBDA_TASK_ROOT": str(folder)},
        folder=folder,
        timeout_seconds=version.config.timeout,
        memory_mb=version.config.memory_size,
    )
