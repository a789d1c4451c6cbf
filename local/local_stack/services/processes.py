"""Start and stop programs that outlive the command; each is identified by id and start time."""

import contextlib
import json
import math
import os
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psutil

_TERMINATE_SECONDS = 15.0
_KILL_SECONDS = 5.0
_LOG_BYTES = 10_000_000
_SAME_START_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Record:
    """The record of a running program."""

    pid: int
    created: float
    digest: str
    since_boot: float = math.nan
    """Seconds from the machine's start to the program's."""

    def process(self) -> psutil.Process | None:
        """Return the program's process; None if it ended, even if its process id is used again."""
        try:
            process = psutil.Process(self.pid)
            alive = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
            same = self._is_of(process)
        except psutil.NoSuchProcess:
            return None
        return process if alive and same else None

    def _is_of(self, process: psutil.Process) -> bool:
        """Compare start times, also since the machine started: a clock that is set moves the other.

        Linux counts a process's start from the machine's, macOS by the clock.
        https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
        """
        by_clock = abs(process.create_time() - self.created) < 1
        return by_clock or abs(_since_boot(process) - self.since_boot) < _SAME_START_SECONDS


def read_record(path: Path) -> Record | None:
    """Read a record; None if it does not exist or is incomplete."""
    try:
        return Record(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    record: Path,
    digest: str,
) -> Record:
    """Start a program in its own session and write its record, or do neither."""
    for folder in (log.parent, record.parent):
        folder.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    output = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    with uninterrupted():
        pid = os.posix_spawn(  # not Popen, which waits for its program
            command[0],
            list(command),
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), output, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        process = psutil.Process(pid)
        started = Record(pid, process.create_time(), digest, _since_boot(process))
        record.write_text(json.dumps({name: getattr(started, name) for name in Record.__slots__}))
    return started


def _since_boot(process: psutil.Process) -> float:
    return process.create_time() - psutil.boot_time()


def stop(process: psutil.Process, *, terminate_seconds: float = _TERMINATE_SECONDS) -> None:
    """Terminate a program, then kill it with its children."""
    stop_together([process], terminate_seconds=terminate_seconds)


def stop_together(
    programs: Sequence[psutil.Process], *, terminate_seconds: float = _TERMINATE_SECONDS
) -> None:
    """Terminate programs together, then kill them with their children."""
    family = [*programs]
    for process in programs:
        with contextlib.suppress(psutil.NoSuchProcess):
            family += process.children(recursive=True)
    for process in programs:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    psutil.wait_procs(programs, timeout=terminate_seconds)
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family, timeout=_KILL_SECONDS)


def is_port_taken(port: int) -> bool:
    """Return whether a program listens on a port of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def listener(port: int) -> psutil.Process | None:
    """Return the program that listens on a port; None if it is not visible."""
    for connection in psutil.net_connections(kind="tcp"):
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,)
        if listens and connection.pid is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                return psutil.Process(connection.pid)
    return None


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay SIGINT, SIGTERM and SIGHUP until the end of the block."""
    held: list[int] = []

    def hold(number: int, _frame: FrameType | None) -> None:
        held.append(number)

    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {kind: signal.signal(kind, hold) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
    if held:
        os.kill(os.getpid(), held[0])
