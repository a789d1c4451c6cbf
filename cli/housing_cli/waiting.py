"""Following a training job to its end through its status document."""

import time
from collections.abc import Iterator
from typing import Protocol

from housing.errors import JobNotFoundError
from housing.jobs.status import JobStatus
from housing_cli.errors import JobNotStartedError, JobStalledError, JobTimeoutError

POLL_SECONDS = 0.5
APPEAR_SECONDS = 60.0
STALL_SECONDS = 300.0


class Clock(Protocol):
    """Time that passes; the module ``time`` is one."""

    def monotonic(self) -> float:
        """Return the seconds since some moment."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Wait."""
        ...


class JobReader(Protocol):
    """Where the jobs' documents can be read; ``housing.jobs.status.JobStore`` is one."""

    def load(self, job_id: str) -> JobStatus:
        """Read a job's status, or raise ``JobNotFoundError``."""
        ...


def follow_job(
    jobs: JobReader, job_id: str, *, timeout_seconds: float, clock: Clock = time
) -> Iterator[JobStatus]:
    """Yield the job's status each time it changes, the last time when the job has ended.

    Args:
        jobs: Where the documents are.
        job_id: The job, which need not exist yet.
        timeout_seconds: Bound on the whole wait.
        clock: Whose seconds count.

    Raises:
        JobNotStartedError: There was no job after ``APPEAR_SECONDS``.
        JobStalledError: The job was not updated for ``STALL_SECONDS``.
        JobTimeoutError: The job had not ended after ``timeout_seconds``.
    """
    began = changed = clock.monotonic()
    last: JobStatus | None = None
    while True:
        status = _load(jobs, job_id)
        if status is not None and status != last:
            last, changed = status, clock.monotonic()
            yield status
            if status.state.is_final:
                return
        now = clock.monotonic()
        if now - began >= timeout_seconds:
            raise JobTimeoutError(_too_long(job_id, last, timeout_seconds))
        if last is None and now - began >= APPEAR_SECONDS:
            raise JobNotStartedError(_not_started(job_id))
        if last is not None and now - changed >= STALL_SECONDS:
            raise JobStalledError(_stalled(last))
        clock.sleep(min(POLL_SECONDS, timeout_seconds))


def _load(jobs: JobReader, job_id: str) -> JobStatus | None:
    try:
        return jobs.load(job_id)
    except JobNotFoundError:
        return None


def _not_started(job_id: str) -> str:
    return (
        f"no job {job_id} appeared within {APPEAR_SECONDS:.0f} s: check that the bucket notifies "
        "the retrain function of new_data/*.csv, and what the function logged (make logs)"
    )


def _stalled(job: JobStatus) -> str:
    return (
        f"job {job.job_id} has not moved for {STALL_SECONDS / 60:.0f} minutes (stage "
        f"{job.stage}): its process may be dead; see what it logged (make logs), then upload again"
    )


def _too_long(job_id: str, last: JobStatus | None, timeout_seconds: float) -> str:
    where = f"is at stage {last.stage}" if last else "has not appeared"
    return (
        f"job {job_id} {where} after {timeout_seconds:g} s; "
        f"look again with `housing status {job_id}`, or wait longer with --timeout"
    )
