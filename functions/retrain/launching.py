"""Use case: start exactly one training job for each upload, however often its event arrives."""

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
    """Outcome of a launch: jobs started now, started earlier, or refused by the launcher."""

    started: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    refused: list[LaunchError] = field(default_factory=list)


def launch_jobs(
    requested: Iterable[Job], jobs: JobStore, launcher: JobLauncher, rules: RestartRules
) -> Launched:
    """Start each job that was never started, was lost, or died.

    A refused job does not stop the others; its status holds the reason, and a repeated event or
    the next sweep starts it.
    """
    launched = Launched()
    for job in requested:
        try:
            is_started = _launch(job, jobs, launcher, rules)
        except JobTakenOverError:  # the job is alive: it has just written its status
            is_started = False
        except LaunchError as exc:
            launched.refused.append(exc)
            continue
        facts = {"job_id": job.job_id, "key": job.key}
        _LOG.info("job_launched" if is_started else "upload_repeated", extra=facts)
        (launched.started if is_started else launched.repeated).append(job.job_id)
    return launched


def relaunch(status: JobStatus, jobs: JobStore, launcher: JobLauncher, *, bucket: str) -> None:
    """Restart a job; its old process, if it still runs, can no longer write its status.

    A start that the launcher refused does not count as an attempt.

    Raises:
        LaunchError: It was not started.
        JobTakenOverError: The job is alive: it has just written its status.
    """
    if status.was_begun:
        status.launches += 1
        status.message = f"restarting the training job (attempt {status.launches}): it died"
    status.state, status.stage, status.taken_at = State.QUEUED, Stage.LAUNCH, None
    jobs.save_own(status)
    _start(_job_of(status, bucket), status, jobs, launcher)
    _LOG.warning("job_started_again", extra={"job_id": status.job_id, "launches": status.launches})


def _launch(job: Job, jobs: JobStore, launcher: JobLauncher, rules: RestartRules) -> bool:
    """Start a job unless it was started before; return whether it was started now."""
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
    """Launch a job and record in its status whether the launcher accepted it."""
    try:
        launcher.launch(job)
    except LaunchError as exc:
        status.message = "the training job could not be started"
        status.reason = str(exc)
        status.next_step = "nothing: the start is retried every five minutes"
        _LOG.error("job_not_launched", extra={"job_id": status.job_id, "reason": str(exc)})
        _note(status, jobs)
        raise
    status.message = "waiting for capacity"
    status.reason = status.next_step = None
    status.taken_at = datetime.now(UTC)
    _note(status, jobs)


def _note(status: JobStatus, jobs: JobStore) -> None:
    """Save the outcome of a start; if that fails, the sweep starts the job again."""
    try:
        jobs.save_own(status)
    except JobTakenOverError:  # the job is running already
        return
    except ObjectError as exc:
        _LOG.warning("start_not_recorded", extra={"job_id": status.job_id, "error": str(exc)})


def _job_of(status: JobStatus, bucket: str) -> Job:
    version = {"version_id" if status.is_versioned else "etag": status.upload_version}
    return Job(bucket=bucket, key=status.upload_key, **{"version_id": None, **version})
