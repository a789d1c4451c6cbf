"""Progress of a job: its status document, and a log line for each stage."""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from housing.errors import JobNotFoundError, JobTakenOverError, ObjectError
from housing.jobs.status import JobStatus, JobStore, Stage, StageTime, State
from retrain.training.attempts import is_attempted_again
from retrain.training.errors import JobOverTimeError, JobStoppedError

_LOG = logging.getLogger(__name__)


class JobProgress:
    """Writes one job's status as it goes."""

    def __init__(self, jobs: JobStore, status: JobStatus) -> None:
        """Take over the status of a starting job and close its launch stage."""
        self.status = status
        self.has_ended = False
        self._has_begun = False
        self._jobs = jobs
        self._writing = threading.Lock()
        self._taken_over: JobTakenOverError | None = None
        now = datetime.now(UTC)
        launch = StageTime(stage=Stage.LAUNCH, started_at=status.created_at)
        launch.seconds = max(0.0, (now - status.created_at).total_seconds())
        status.stages = [launch]
        status.state = State.RUNNING
        status.taken_at = status.taken_at or now
        status.reason = status.next_step = status.finished_at = None
        # What an earlier try wrote, but for the rollbacks that it had seen.
        status.rows = status.drift = status.verdict = status.promoted = status.held = None
        status.excluded = False

    @contextmanager
    def beating(self, seconds: float) -> Iterator[None]:
        """Write a heartbeat at an interval during a block: a job without one counts as dead."""
        over = threading.Event()
        thread = threading.Thread(
            target=self._beat, args=(seconds, over), name="heartbeat", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    @contextmanager
    def stage(self, stage: Stage, message: str) -> Iterator[None]:
        """Run a block as a stage; a failed stage stays open in the status."""
        time = StageTime(stage=stage, started_at=datetime.now(UTC))
        self.status.stages.append(time)
        self.status.stage = stage
        self.note(message)
        yield
        time.seconds = (datetime.now(UTC) - time.started_at).total_seconds()
        facts = {"stage": str(stage), "seconds": round(time.seconds, 3)}
        _LOG.info("stage_ended", extra=facts)

    def note(self, message: str) -> None:
        """Save a progress message."""
        self.status.message = message
        self._save()

    def check(self) -> None:
        """Check that this process still owns the job.

        Raises:
            JobTakenOverError: Another process has taken it over.
        """
        if self._taken_over:
            raise self._taken_over

    def replace(self, status: JobStatus) -> None:
        """Replace the status by the one that another process has written."""
        self.status = status

    def finish(
        self, state: State, message: str, *, reason: str | None = None, next_step: str | None = None
    ) -> None:
        """Record the job's end."""
        self.has_ended = True
        self.status.state = state
        self.status.message = message
        self.status.reason = reason
        self.status.next_step = next_step
        self.status.finished_at = datetime.now(UTC)
        self._save()
        facts = {"state": str(state), "reason": reason, "version": self.status.model_version}
        _LOG.info("job_ended", extra=facts)

    def add_metrics(self, metrics: Mapping[str, float]) -> None:
        """Add metrics of the job's version."""
        self.status.metrics = {**self.status.metrics, **metrics}
        self._save()

    def fail(self, reason: str, next_step: str) -> None:
        """Record that the job failed, with the reason and the next step."""
        self.finish(State.FAILED, "the job failed", reason=reason, next_step=next_step)

    def stop(self, stopped: JobStoppedError) -> None:
        """Write that the job was stopped, unless that came too late; it is started again.

        By AWS Batch where that has attempts left, else by the sweep. One that was stopped because
        it has had all of its time has failed.
        """
        if self.has_ended:
            self._save()
        elif isinstance(stopped, JobOverTimeError):
            self.fail(str(stopped), stopped.next_step)
        else:
            self._queue_again()

    def _queue_again(self) -> None:
        """Write that the job waits for its next start; without that the sweep finds it silent."""
        self.status.state = State.QUEUED
        stopped = f"the job was stopped in the stage {self.status.stage}"
        if is_attempted_again():
            self.status.message = f"{stopped}; AWS Batch starts it again"
            self.status.taken_at = datetime.now(UTC)
        else:
            self.status.message, self.status.reason = "the job was stopped", stopped
            self.status.next_step = "nothing: the sweep starts it again within minutes"
        try:
            self._save()
        except (JobTakenOverError, ObjectError) as exc:
            facts = {"job_id": self.status.job_id, "error": str(exc)}
            _LOG.warning("stop_not_recorded", extra=facts)

    def _beat(self, seconds: float, over: threading.Event) -> None:
        while not over.wait(seconds):
            try:
                self._save()
            except JobTakenOverError as exc:
                self._taken_over = exc
                return
            except ObjectError as exc:
                _LOG.warning("heartbeat_not_written", extra={"error": str(exc)})

    def _save(self) -> None:
        """Write the status; one at a time, so that no older one comes after a newer."""
        with self._writing:
            try:
                self._jobs.save_own(self.status)
            except JobTakenOverError:
                if self._has_begun or not self._is_queued_yet():
                    raise
                self._jobs.save_own(self.status)
            self._has_begun = True

    def _is_queued_yet(self) -> bool:
        """Return whether only the launcher has written since this process read the status."""
        latest = self._jobs.load(self.status.job_id)
        if latest.state != State.QUEUED or latest.launches != self.status.launches:
            return False
        self.status.mark_stored(latest.stored_as or "")
        return True


def open_status(jobs: JobStore, job_id: str, upload_key: str, upload_version: str) -> JobStatus:
    """Load a job's status, or create one if the launcher wrote none."""
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
