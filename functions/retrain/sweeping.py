"""The use case: a job that died, or was lost before it began, is started again.

A job gives a sign of life every 20 s; one that does not is dead, or so slow that another should do
its work: the new start writes the job's status, after which the old process can no longer.
"""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from housing.errors import JobTakenOverError
from housing.jobs.status import JobStatus, JobStore, Stage, State
from retrain.errors import LaunchError
from retrain.launcher import Job, JobLauncher

MOST_LAUNCHES = 3
DEAD_AFTER = timedelta(minutes=2)
_LOST_AFTER = timedelta(hours=1)
"""A job that waits in AWS Batch's queue gives no sign either; no queue should be longer."""
_FORGOTTEN_AFTER = timedelta(days=7)
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Swept:
    """What became of the silent jobs."""

    started: list[str] = field(default_factory=list)
    given_up: list[JobStatus] = field(default_factory=list)


def sweep(jobs: JobStore, launcher: JobLauncher, *, bucket: str) -> Swept:
    """Start every job again that died, up to three times in all; then give it up.

    Raises:
        LaunchError: At least one could not be started; the next sweep tries again.
    """
    now = datetime.now(UTC)
    swept = Swept()
    failures = []
    for status in jobs.silent(since=now - _FORGOTTEN_AFTER, until=now - DEAD_AFTER):
        if not _is_lost(status, now):
            continue
        try:
            if status.launches >= MOST_LAUNCHES:
                _give_up(status, jobs, now)
                swept.given_up.append(status)
            else:
                relaunch(status, jobs, launcher, bucket=bucket)
                swept.started.append(status.job_id)
        except JobTakenOverError:
            _LOG.info("job_lives", extra={"job_id": status.job_id})  # it wrote just now
        except LaunchError as exc:
            failures.append(exc)
    if failures:
        raise failures[0]
    return swept


def relaunch(status: JobStatus, jobs: JobStore, launcher: JobLauncher, *, bucket: str) -> None:
    """Start a job again; its old process, if there still is one, may write no more.

    Raises:
        LaunchError: It was not started.
        JobTakenOverError: Its status was written just now: it lives.
    """
    status.launches += 1
    status.state, status.stage = State.QUEUED, Stage.LAUNCH
    status.message = f"starting the training job for the {status.launches}. time: it died"
    jobs.save_own(status)
    launcher.launch(_job_of(status, bucket))
    _LOG.warning("job_started_again", extra={"job_id": status.job_id, "launches": status.launches})


def _is_lost(status: JobStatus, now: datetime) -> bool:
    if status.state == State.RUNNING:
        return now - status.updated_at > DEAD_AFTER
    return status.reason is not None or now - status.updated_at > _LOST_AFTER


def _give_up(status: JobStatus, jobs: JobStore, now: datetime) -> None:
    status.state = State.FAILED
    status.message = "the job failed"
    status.reason = f"the job died {status.launches} times, last in the stage {status.stage}"
    status.next_step = "see the job's log: more memory may be what it needs; then upload again"
    status.finished_at = now
    jobs.save_own(status)
    _LOG.error("job_given_up", extra={"job_id": status.job_id, "reason": status.reason})


def _job_of(status: JobStatus, bucket: str) -> Job:
    version = {"version_id" if status.is_versioned else "etag": status.upload_version}
    return Job(bucket=bucket, key=status.upload_key, **{"version_id": None, **version})
