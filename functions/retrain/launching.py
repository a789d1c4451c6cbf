"""The use case: every upload gets one training job, however often its event arrives."""

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from housing.errors import JobTakenOverError
from housing.jobs.status import JobStatus, JobStore, Stage, StageTime, State
from retrain.errors import LaunchError
from retrain.launcher import Job, JobLauncher
from retrain.sweeping import DEAD_AFTER, relaunch

_LOG = logging.getLogger(__name__)
_ABANDONED_AFTER = timedelta(seconds=45)
"""The function's time-out is 30 s and Lambda's first retry comes after 60: a job that is queued
for so long without word may have been lost with the invocation. A second start does no harm."""


@dataclass(slots=True)
class Launched:
    """What became of the jobs of an event."""

    started: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)


def launch_jobs(found: Iterable[Job], jobs: JobStore, launcher: JobLauncher) -> Launched:
    """Start the job of each upload that has none.

    Raises:
        LaunchError: At least one could not be started; the others were. Its status says why, and
            the same event again starts it.
    """
    launched = Launched()
    failures = []
    for job in found:
        status = _status_to_launch(job, jobs)
        if status is None:
            _LOG.info("upload_repeated", extra={"job_id": job.job_id, "key": job.key})
            launched.repeated.append(job.job_id)
            continue
        try:
            if status.state == State.RUNNING:
                relaunch(status, jobs, launcher, bucket=job.bucket)
            else:
                launcher.launch(job)
        except JobTakenOverError:  # it lives: it wrote its status just now
            launched.repeated.append(job.job_id)
        except LaunchError as exc:
            _tell(status, jobs, exc)
            failures.append(exc)
        else:
            _LOG.info("job_launched", extra={"job_id": job.job_id, "key": job.key})
            launched.started.append(job.job_id)
    if failures:
        raise failures[0]
    return launched


def _status_to_launch(job: Job, jobs: JobStore) -> JobStatus | None:
    """Return the status of a job that must be started, or None if it was."""
    now = datetime.now(UTC)
    status = JobStatus(
        job_id=job.job_id,
        upload_key=job.key,
        upload_version=job.upload_version,
        is_versioned=job.version_id is not None,
        message="starting the training job",
        created_at=now,
        updated_at=now,
        stages=[StageTime(stage=Stage.LAUNCH, started_at=now)],
    )
    if jobs.create(status):
        return status
    known = jobs.load(job.job_id)
    silence = now - known.updated_at
    waits = known.state == State.QUEUED and known.stage == Stage.LAUNCH
    was_lost = waits and (known.reason is not None or silence > _ABANDONED_AFTER)
    is_dead = known.state == State.RUNNING and silence > DEAD_AFTER
    return known if was_lost or is_dead else None


def _tell(status: JobStatus, jobs: JobStore, exc: LaunchError) -> None:
    status.message = "the training job could not be started"
    status.reason = str(exc)
    status.next_step = "it is tried again; if that fails too, put it right and upload again"
    with suppress(JobTakenOverError):  # it runs all the same
        jobs.save_own(status)
    _LOG.error("job_not_launched", extra={"job_id": status.job_id, "reason": str(exc)})
