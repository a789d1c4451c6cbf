"""The training jobs of the local launcher: which run, which wait, and how to end them."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from local_stack.services import processes
from retrain.launchers import supervisor
from retrain.launchers.job_queue import JobQueue

_TERMINATE_SECONDS = 5.0  # one that is killed in the middle is started again by the sweep


def running(jobs_dir: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Yield the id and the process of each job that runs."""
    for path in sorted(jobs_dir.glob("*.pid")):
        with contextlib.suppress(psutil.Error, ValueError, FileNotFoundError):
            process = psutil.Process(int(path.read_text()))
            if path.stem in process.cmdline():
                yield path.stem, process


def waiting(jobs_dir: Path) -> Sequence[str]:
    """Return the ids of the jobs that wait for their turn, in their order."""
    return JobQueue(jobs_dir).waiting()


def stop_all(jobs_dir: Path) -> list[str]:
    """End every job that runs, and who starts the next; return their ids.

    Those that wait stay queued: the sweep has them started when the stack is up again.
    """
    at_work = list(running(jobs_dir))
    ended = [*_supervisor(jobs_dir), *(process for _, process in at_work)]
    processes.stop_together(ended, terminate_seconds=_TERMINATE_SECONDS)
    for path in jobs_dir.glob("*.pid"):
        path.unlink(missing_ok=True)
    return [job_id for job_id, _ in at_work]


def _supervisor(jobs_dir: Path) -> Iterator[psutil.Process]:
    """Yield the process that starts the jobs that wait, if there is one."""
    with contextlib.suppress(psutil.Error, ValueError, FileNotFoundError):
        process = psutil.Process(int(JobQueue(jobs_dir).supervisor.read_text()))
        if {supervisor.__name__, str(jobs_dir)} <= set(process.cmdline()):
            yield process
