"""Starting a contender on free loopback ports, and ending it with all that it started."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.contenders import CHECKOUT, Contender
from benchmarks.load import Connection, LoadError
from benchmarks.model import BenchModel

_STARTS_WITHIN_SECONDS = 90
_POLL_SECONDS = 0.3
_LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


class StartError(Exception):
    """Raised when a contender does not come up, or is not on loopback alone."""


@dataclass(frozen=True, slots=True)
class Running:
    """A contender that answers."""

    contender: Contender
    port: int
    process: psutil.Process

    def rss_mb(self) -> float:
        """Return the memory of all its processes, in MB."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(process.memory_info().rss for process in family) / 1e6


@contextmanager
def running(contender: Contender, model: BenchModel, logs: Path) -> Iterator[Running]:
    """Start a contender; end it in any case.

    Raises:
        StartError: It does not answer in time, or listens on more than loopback.
    """
    port = _free_ports()
    log = logs / f"{contender.name.replace(' ', '-')}.log"
    variables = {
        name: _with_port(value, port) for name, value in contender.variables_for(model).items()
    }
    program = str(contender.bin / contender.command[0])
    command = [program, *(_with_port(part, port) for part in contender.command[1:])]
    with log.open("wb") as output:
        started = subprocess.Popen(  # noqa: S603 - the contenders' own commands
            command, cwd=CHECKOUT, env=variables, stdout=output, stderr=subprocess.STDOUT
        )
    process = psutil.Process(started.pid)
    try:
        _await(contender, port, started, model, log)
        _check_loopback(process)
        yield Running(contender, port, process)
    finally:
        _end(process, started)


def _await(
    contender: Contender, port: int, started: subprocess.Popen[bytes], model: BenchModel, log: Path
) -> None:
    path, body = contender.request(model.unseen[:1])
    deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
    said = "nothing"
    while time.monotonic() < deadline and started.poll() is None:
        try:
            with Connection(port) as connection:
                status, answer = connection.post(path, body, contender.headers)
            if status == 200:  # noqa: PLR2004 - HTTP OK
                return
            said = f"{status} {answer[:300]!r}"
        except (LoadError, OSError) as exc:
            said = repr(exc)
        time.sleep(_POLL_SECONDS)
    tail = log.read_text(errors="replace")[-500:]
    msg = f"{contender.name} did not come up; last it said {said}\n{tail}"
    raise StartError(msg)


def _check_loopback(process: psutil.Process) -> None:
    for member in [process, *process.children(recursive=True)]:
        for connection in member.net_connections(kind="inet"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.ip not in _LOOPBACK:
                msg = f"{' '.join(member.cmdline()[:3])} listens on {connection.laddr.ip}"
                raise StartError(msg)


def _end(process: psutil.Process, started: subprocess.Popen[bytes]) -> None:
    try:
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        family = []
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    started.wait(timeout=10)


def free_port() -> int:
    """Return a free loopback port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _free_ports() -> int:
    """Return a port whose two successors are free as well."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port = int(first.getsockname()[1])
            try:
                with (
                    socket.create_server(("127.0.0.1", port + 1)),
                    socket.create_server(("127.0.0.1", port + 2)),
                ):
                    return port
            except OSError:
                continue


def _with_port(text: str, port: int) -> str:
    ports = {"{port}": port, "{port+1}": port + 1, "{port+2}": port + 2}
    for mark, value in ports.items():
        text = text.replace(mark, str(value))
    return text
