"""The use case: every upload gets one training job, however often its event arrives."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from housing.errors import JobTakenOverError, ObjectError
from housing.jobs.restarts import RestartRules
from housing.jobs.status import JobStatus, JobStore, Stage, StageTime, State
from retrain.errors import LaunchError
from retrain.launcher import Job, JobLauncher

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Launched:
    """What became of jobs: started now, started before, or refused by the launcher."""

    started: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    refused: list[LaunchError] = field(default_factory=list)


def launch_jobs(
    found: Iterable[Job], jobs: JobStore, launcher: JobLauncher, rules: RestartRules
) -> Launched:
    """Start the job of each upload that has none, or whose job was lost or died.

    A job that is refused keeps no other from being started; its status says why, and the same
    event again, or the next sweep, starts it.
    """
    launched = Launched()
    for job in found:
        try:
            is_started = _launch(job, jobs, launcher, rules)
        except JobTakenOverError:  # it lives: it wrote its status just now
            is_started = False
        except LaunchError as exc:
            launched.refused.append(exc)
            continue
        facts = {"job_id": job.job_id, "key": job.key}
        _LOG.info("job_launched" if is_started else "upload_repeated", extra=facts)
        (launched.started if is_started else launched.repeated).append(job.job_id)
    return launched


def relaunch(status: JobStatus, jobs: JobStore, launcher: JobLauncher, *, bucket: str) -> None:
    """Start a job again; its old process, if there still is one, may write no more.

    A start that no launcher took is not counted.

    Raises:
        LaunchError: It was not started.
        JobTakenOverError: Its status was written just now: it lives.
    """
    if status.was_begun:
        status.launches += 1
        status.message = f"starting the training job for the {status.launches}. time: it died"
    status.state, status.stage, status.taken_at = State.QUEUED, Stage.LAUNCH, None
    jobs.save_own(status)
    _start(_job_of(status, bucket), status, jobs, launcher)
    _LOG.warning("job_started_again", extra={"job_id": status.job_id, "launches": status.launches})


def _launch(job: Job, jobs: JobStore, launcher: JobLauncher, rules: RestartRules) -> bool:
    """Start a job unless it was started; return whether it was now."""
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
        _start(job, status, jobs, launcher)
        return True
    known = jobs.load(job.job_id)
    is_silent = now - known.updated_at > rules.silence_allowed(known)
    if known.state.is_final or not is_silent or not rules.may_start(known):
        return False
    relaunch(known, jobs, launcher, bucket=job.bucket)
    return True


def _start(job: Job, status: JobStatus, jobs: JobStore, launcher: JobLauncher) -> None:
    """Hand a job to the launcher, and write into its status whether the launcher took it."""
    try:
        launcher.launch(job)
    except LaunchError as exc:
        status.message = "the training job could not be started"
        status.reason = str(exc)
        status.next_step = "nothing: it is tried again every five minutes"
        _LOG.error("job_not_launched", extra={"job_id": status.job_id, "reason": str(exc)})
        _note(status, jobs)
        raise
    status.message = "waiting for a place to run"
    status.reason = status.next_step = None
    status.taken_at = datetime.now(UTC)
    _note(status, jobs)


def _note(status: JobStatus, jobs: JobStore) -> None:
    """Write what became of a start; where that fails, the sweep starts the job once more."""
    try:
        jobs.save_own(status)
    except JobTakenOverError:  # it is at work already
        return
    except ObjectError as exc:
        _LOG.warning("start_not_noted", extra={"job_id": status.job_id, "error": str(exc)})


def _job_of(status: JobStatus, bucket: str) -> Job:
    version = {"version_id" if status.is_versioned else "etag": status.upload_version}
    return Job(bucket=bucket, key=status.upload_key, **{"version_id": None, **version})
