"""The queue of training jobs on one machine: a file for each job, in a folder that processes share.

The standard library alone, so that the supervisor, which waits for hours, stays small.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

MOST = 1_000
"""Jobs that may wait."""


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job as its process is started."""

    job_id: str
    command: Sequence[str]
    environment: Mapping[str, str]
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Turn:
    """The job whose turn it is, as it is written down for a supervisor that did not start it."""

    job_id: str
    pid: int
    ends_at: float


class JobQueue:
    """The jobs that wait, first come first served, and the locks of those who serve them."""

    def __init__(self, jobs_dir: Path) -> None:
        """Use the folder ``queue`` of the jobs' folder."""
        self.folder = jobs_dir / "queue"
        self.supervisor = self.folder / "supervisor.lock"
        """Held by the one supervisor; its process id stands in it."""
        self.turn = self.folder / "turn.lock"
        """Held by the one job at work, which inherits it."""

    def add(self, job: QueuedJob) -> bool:
        """Queue a job, unless it waits already; return whether there was room.

        Raises:
            OSError: It cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        waiting = self.waiting()
        if job.job_id in waiting:
            return True
        if len(waiting) >= MOST:
            return False
        path = self.folder / f"{time.time_ns():020d}-{job.job_id}.json"
        scratch = path.with_suffix(".new")
        # It holds the credentials of the local endpoint.
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(job), file)
        scratch.replace(path)
        return True

    def waiting(self) -> list[str]:
        """Return the ids of the jobs that wait, in their order."""
        return [_job_id(path) for path in self._paths()]

    def first(self) -> QueuedJob | None:
        """Return the job that has waited longest; half a file is thrown away."""
        for path in self._paths():
            with suppress(FileNotFoundError):
                try:
                    return QueuedJob(**json.loads(path.read_text()))
                except (ValueError, TypeError):
                    path.unlink()
        return None

    def remove(self, job_id: str) -> None:
        """Take a job out of the queue."""
        for path in self.folder.glob(f"*-{job_id}.json"):
            path.unlink(missing_ok=True)

    def at_work(self) -> Turn | None:
        """Return the job at work, if there is one."""
        with lock(self.turn) as held:
            if held is not None:
                return None
        with suppress(OSError, ValueError, TypeError):
            return Turn(**json.loads(self.turn.read_text()))
        return None

    def is_supervised(self) -> bool:
        """Whether a supervisor serves the queue."""
        with lock(self.supervisor) as held:
            return held is None

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*-*.json"))


@contextmanager
def lock(path: Path) -> Iterator[int | None]:
    """Try to lock a file for a block; yield its descriptor, or None where another holds it.

    Whoever inherits the descriptor goes on holding the lock; it ends with the last of them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield descriptor
    finally:
        os.close(descriptor)


def write_into(descriptor: int, content: str) -> None:
    """Write what a lock file says."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, content.encode(), 0)


def _job_id(path: Path) -> str:
    return path.stem.partition("-")[2]
