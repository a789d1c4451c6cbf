"""The training jobs of the local launcher: list those that run or wait, and stop them."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from local_stack.services import processes
from retrain.launchers import supervisor
from retrain.launchers.job_queue import JobQueue

_TERMINATE_SECONDS = 5.0  # the sweep restarts a job that is killed


def running(jobs_dir: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Yield the id and the process of each running job."""
    for path in sorted(jobs_dir.glob("*.pid")):
        with contextlib.suppress(psutil.Error, ValueError, FileNotFoundError):
            process = psutil.Process(int(path.read_text()))
            if path.stem in process.cmdline():
                yield path.stem, process


def waiting(jobs_dir: Path) -> Sequence[str]:
    """Return the ids of the queued jobs, in their order."""
    return JobQueue(jobs_dir).waiting()


def stop_all(jobs_dir: Path) -> list[str]:
    """Stop the running jobs and the supervisor that starts the next; return the jobs' ids.

    Queued jobs stay queued: the sweep starts them when the stack runs again.
    """
    jobs = list(running(jobs_dir))
    programs = [*_supervisor(jobs_dir), *(process for _, process in jobs)]
    processes.stop_together(programs, terminate_seconds=_TERMINATE_SECONDS)
    for path in jobs_dir.glob("*.pid"):
        path.unlink(missing_ok=True)
    return [job_id for job_id, _ in jobs]


def _supervisor(jobs_dir: Path) -> Iterator[psutil.Process]:
    """Yield the process that starts queued jobs, if there is one."""
    with contextlib.suppress(psutil.Error, ValueError, FileNotFoundError):
        process = psutil.Process(int(JobQueue(jobs_dir).supervisor.read_text()))
        if {supervisor.__name__, str(jobs_dir)} <= set(process.cmdline()):
            yield process
