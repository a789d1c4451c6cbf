"""Follow a training job to its end through its status document."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from housing.errors import JobNotFoundError
from housing.jobs.restarts import RestartRules
from housing.jobs.status import JobStatus, State
from housing_cli.errors import JobNotStartedError, JobStalledError, JobTimeoutError, JobWaitError

POLL_SECONDS = 0.5
_LATE_AFTER = timedelta(minutes=1)
_SWEEPS = 2  # after two, the sweep has started every job that it can
_LOOK_AGAIN = "look again with `housing status {}`"
_CHECK = (
    "check that the schedule calls the retrain function every five minutes, and read its log "
    "(make logs)"
)


class Clock(Protocol):
    """A clock; the module ``time`` is one."""

    def monotonic(self) -> float:
        """Return seconds of a clock that is never set back."""
        ...

    def time(self) -> float:
        """Return the seconds since 1970."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Wait."""
        ...


class JobReader(Protocol):
    """Port: reads the status of jobs; ``housing.jobs.status.JobStore`` is one."""

    def load(self, job_id: str) -> JobStatus:
        """Read a job's status; raises ``JobNotFoundError``."""
        ...


@dataclass(frozen=True, slots=True)
class Followed:
    """An update: the job's status, once there is one; ``note`` says why it does not change."""

    job: JobStatus | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Outlook:
    """The note on a late job, and the error that ends the wait."""

    late_after: timedelta
    note: str
    lost_after: timedelta
    error: JobWaitError


def follow_job(
    jobs: JobReader,
    job_id: str,
    *,
    timeout_seconds: float | None = None,
    clock: Clock = time,
    rules: RestartRules = RestartRules(),  # noqa: B008 - frozen
) -> Iterator[Followed]:
    """Yield a job each time it changes or is late; the last update is final.

    The wait for a job without updates ends when the sweep should have restarted it.

    Args:
        jobs: Reads the status.
        job_id: The job; it may not exist yet.
        timeout_seconds: Limit of the whole wait; None is no limit.
        clock: Measures the wait.
        rules: Times of the sweep.

    Raises:
        JobNotStartedError: Neither the upload's event nor two sweeps started the job, or its
            launcher refuses it.
        JobStalledError: The job had no update for longer than two sweeps take to restart it.
        JobTimeoutError: The job had not ended after ``timeout_seconds``.
    """
    began = changed = clock.monotonic()
    uploaded_at = datetime.fromtimestamp(clock.time(), UTC)
    last: JobStatus | None = None
    note, refusals = "", 0
    while True:
        status, now = _load(jobs, job_id), clock.monotonic()
        if status is not None and status != last:
            last, changed, note = status, now, ""
            refusals = refusals + 1 if _is_refused(status) else 0
            yield Followed(status)
            if status.state.is_final:
                return
        if timeout_seconds is not None and now - began >= timeout_seconds:
            raise JobTimeoutError(_too_long(job_id, last, timeout_seconds))
        outlook = _outlook(job_id, last, uploaded_at, rules)
        silence = timedelta(seconds=now - changed)
        if silence >= outlook.lost_after or refusals > rules.most_launches:
            raise outlook.error
        if silence >= outlook.late_after and note != outlook.note:
            note = outlook.note
            yield Followed(last, note)
        clock.sleep(POLL_SECONDS)


def _load(jobs: JobReader, job_id: str) -> JobStatus | None:
    try:
        return jobs.load(job_id)
    except JobNotFoundError:
        return None


def _is_refused(status: JobStatus) -> bool:
    return status.state == State.QUEUED and status.reason is not None


def _outlook(
    job_id: str, status: JobStatus | None, uploaded_at: datetime, rules: RestartRules
) -> _Outlook:
    if status is None:
        return _of_no_job(job_id, uploaded_at, rules)
    since = status.updated_at
    allowed = rules.silence_allowed(status)
    by = _clock_time(rules.started_by(since, silence=allowed))
    lost_after = rules.started_by(since, silence=allowed, sweeps=_SWEEPS) - since
    look_again = _LOOK_AGAIN.format(job_id)
    if status.state == State.RUNNING:
        silent = f"no update since {_clock_time(since)}"
        msg = f"job {job_id} has {silent} (stage {status.stage}), and no sweep restarted it"
        note = f"{silent}; the sweep restarts it by about {by}"
        return _Outlook(
            allowed, note, lost_after, JobStalledError(f"{msg}: {_CHECK}; {look_again}")
        )
    if _is_refused(status):
        msg = f"job {job_id} is not started: {status.reason}. It is retried every five minutes"
        note = f"{status.reason}; the sweep starts it by about {by}"
        return _Outlook(timedelta(), note, lost_after, JobNotStartedError(f"{msg}; {look_again}"))
    waits = f"waits for capacity since {_clock_time(since)}"
    if status.taken_at is None:
        waits = f"has not started since {_clock_time(since)}; the sweep starts it by about {by}"
    msg = f"job {job_id} {waits}: {look_again}"
    return _Outlook(_LATE_AFTER, waits, lost_after, JobStalledError(msg))


def _of_no_job(job_id: str, uploaded_at: datetime, rules: RestartRules) -> _Outlook:
    by = rules.started_by(uploaded_at, silence=rules.upload_grace)
    until = rules.started_by(uploaded_at, silence=rules.upload_grace, sweeps=_SWEEPS)
    note = (
        "no job yet: the upload's event is late or lost; "
        f"the sweep starts the job by about {_clock_time(by)}"
    )
    msg = f"no job {job_id} appeared by {_clock_time(until)}, not even by a sweep: {_CHECK}"
    return _Outlook(_LATE_AFTER, note, until - uploaded_at, JobNotStartedError(msg))


def _clock_time(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M}"


def _too_long(job_id: str, last: JobStatus | None, timeout_seconds: float) -> str:
    where = f"is at stage {last.stage}" if last else "has not appeared"
    return (
        f"job {job_id} {where} after {timeout_seconds:g} s; "
        f"{_LOOK_AGAIN.format(job_id)}, or wait longer with --timeout"
    )
