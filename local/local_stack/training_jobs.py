"""The training jobs that the local launcher started: which still run, and how to end them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil

from local_stack import processes


def running(jobs_dir: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Yield the id and the process of each job that runs."""
    for path in sorted(jobs_dir.glob("*.pid")):
        with contextlib.suppress(psutil.Error, ValueError, FileNotFoundError):
            process = psutil.Process(int(path.read_text()))
            if path.stem in process.cmdline():
                yield path.stem, process


def stop_all(jobs_dir: Path) -> list[str]:
    """End every job that runs; return their ids."""
    stopped = []
    for job_id, process in running(jobs_dir):
        processes.stop(process)
        stopped.append(job_id)
    for path in jobs_dir.glob("*.pid"):
        path.unlink(missing_ok=True)
    return stopped
