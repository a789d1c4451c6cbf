"""File-based queue of training jobs, shared by processes of one machine.

Only the standard library is imported, so that the long-running supervisor stays small.
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
"""Maximum number of queued jobs."""


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """Command, environment and time limit of a queued job."""

    job_id: str
    command: Sequence[str]
    environment: Mapping[str, str]
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Turn:
    """The running job, recorded for a supervisor that did not start it."""

    job_id: str
    pid: int
    ends_at: float


class JobQueue:
    """First-in-first-out queue of jobs, with the locks of its supervisor and its running job."""

    def __init__(self, jobs_dir: Path) -> None:
        """Use the folder ``queue`` of the jobs' folder."""
        self.folder = jobs_dir / "queue"
        self.supervisor = self.folder / "supervisor.lock"
        """Held by the one supervisor; contains its process id."""
        self.turn = self.folder / "turn.lock"
        """Held by the one running job, which inherits it."""

    def add(self, job: QueuedJob) -> bool:
        """Queue a job unless it is queued already; return whether there was room.

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
        """Return the ids of the queued jobs, in order."""
        return [_job_id(path) for path in self._paths()]

    def first(self) -> QueuedJob | None:
        """Return the oldest queued job; delete files that are incomplete."""
        for path in self._paths():
            with suppress(FileNotFoundError):
                try:
                    return QueuedJob(**json.loads(path.read_text()))
                except (ValueError, TypeError):
                    path.unlink()
        return None

    def remove(self, job_id: str) -> None:
        """Remove a job from the queue."""
        for path in self.folder.glob(f"*-{job_id}.json"):
            path.unlink(missing_ok=True)

    def at_work(self) -> Turn | None:
        """Return the running job, if there is one."""
        with lock(self.turn) as held:
            if held is not None:
                return None
        with suppress(OSError, ValueError, TypeError):
            return Turn(**json.loads(self.turn.read_text()))
        return None

    def is_supervised(self) -> bool:
        """Return whether a supervisor is running."""
        with lock(self.supervisor) as held:
            return held is None

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*-*.json"))


@contextmanager
def lock(path: Path) -> Iterator[int | None]:
    """Try to lock a file for a block; yield its descriptor, or None where another holds it.

    Processes that inherit the descriptor hold the lock too; the last one's exit releases it.
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
    """Replace the content of a lock file."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, content.encode(), 0)


def _job_id(path: Path) -> str:
    return path.stem.partition("-")[2]
