"""``python -m local_stack.on_localstack COMMAND …``: run a command beside LocalStack.

The command gets its URL in ``HOUSING_AWS_ENDPOINT``.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
from types import FrameType

from local_stack.errors import StackError
from local_stack.on_localstack.service import in_container, in_host_mode
from local_stack.services import supervisor
from local_stack.services.catalogue import Service
from local_stack.settings import LOOPBACK, StackSettings

_TOKEN = "LOCALSTACK_AUTH_TOKEN"  # noqa: S105 - the name of the variable


def main(command: list[str]) -> int:
    """Start LocalStack, run the command, stop LocalStack; return the command's exit status."""
    folder = StackSettings().state_dir / "localstack"
    shutil.rmtree(folder, ignore_errors=True)
    settings = StackSettings(state_dir=folder, aws_port=_free_port())
    service = _service(settings)
    try:
        supervisor.ensure(settings, service)
        supervisor.await_healthy(settings, service)
        print(f"LocalStack ({service.command[0]}) at {settings.aws_url}", flush=True)  # noqa: T201
        environment = {**os.environ, "HOUSING_AWS_ENDPOINT": settings.aws_url}
        return subprocess.run(command, env=environment, check=False).returncode
    except (StackError, KeyboardInterrupt) as exc:
        print(f"error: {exc or 'interrupted'}", file=sys.stderr)  # noqa: T201
        return 1
    finally:
        supervisor.stop(settings, service.name)


def _service(settings: StackSettings) -> Service:
    docker, token = shutil.which("docker"), os.environ.get(_TOKEN, "")
    if docker and token and _has_engine(docker):
        return in_container(settings, docker=docker, token=token)
    return in_host_mode(settings)


def _has_engine(docker: str) -> bool:
    asked = subprocess.run([docker, "info"], capture_output=True, timeout=30, check=False)
    return asked.returncode == 0


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as server:
        return int(server.getsockname()[1])


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    for kind in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, _interrupt)
    raise SystemExit(main(sys.argv[1:]))
