"""A job's progress: in its status document for others, and a line for each stage in its log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from housing.errors import JobNotFoundError
from housing.jobs import JobStatus, JobStore, Stage, StageTime, State

_LOG = logging.getLogger(__name__)


class JobProgress:
    """Writes one job's status as it goes."""

    def __init__(self, jobs: JobStore, status: JobStatus) -> None:
        """Take over the status of a job that begins; the launch is what came before."""
        self.status = status
        self.has_ended = False
        self._jobs = jobs
        now = datetime.now(UTC)
        launch = StageTime(stage=Stage.LAUNCH, started_at=status.created_at)
        launch.seconds = max(0.0, (now - status.created_at).total_seconds())
        status.stages = [launch]
        status.state = State.RUNNING
        status.reason = status.next_step = status.finished_at = None

    @contextmanager
    def stage(self, stage: Stage, message: str) -> Iterator[None]:
        """Run a block as a stage; one that fails stays open in the status."""
        time = StageTime(stage=stage, started_at=datetime.now(UTC))
        self.status.stages.append(time)
        self.status.stage = stage
        self.say(message)
        yield
        time.seconds = (datetime.now(UTC) - time.started_at).total_seconds()
        facts = {"stage": str(stage), "seconds": round(time.seconds, 3)}
        _LOG.info("stage_ended", extra=facts)

    def say(self, message: str) -> None:
        """Say what the job does now."""
        self.status.message = message
        self._jobs.save(self.status)

    def finish(
        self, state: State, message: str, *, reason: str | None = None, next_step: str | None = None
    ) -> None:
        """Write the job's end."""
        self.has_ended = True
        self.status.state = state
        self.status.message = message
        self.status.reason = reason
        self.status.next_step = next_step
        self.status.finished_at = datetime.now(UTC)
        self._jobs.save(self.status)
        facts = {"state": str(state), "reason": reason, "version": self.status.model_version}
        _LOG.info("job_ended", extra=facts)

    def fail(self, reason: str, next_step: str) -> None:
        """Write that the job failed, why, and what to do."""
        self.finish(State.FAILED, "the job failed", reason=reason, next_step=next_step)

    def stop(self) -> None:
        """Write that the job was stopped, unless that came too late."""
        if self.has_ended:
            self._jobs.save(self.status)
        else:
            self.fail("the job was stopped", "upload the file again to have it trained on")


def open_status(jobs: JobStore, job_id: str, upload_key: str, upload_version: str) -> JobStatus:
    """Return a job's status, which the launcher wrote, or a new one."""
    try:
        return jobs.load(job_id)
    except JobNotFoundError:
        now = datetime.now(UTC)
        return JobStatus(
            job_id=job_id,
            upload_key=upload_key,
            upload_version=upload_version,
            created_at=now,
            updated_at=now,
        )
