"""Use case: restart dead jobs and start the jobs of uploads whose event was lost.

One sweep is bounded in requests and in time; in a larger bucket the next sweep continues where
this one stopped.
"""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from pydantic import ValidationError

from housing.errors import JobNotFoundError, JobTakenOverError
from housing.jobs.restarts import RestartRules
from housing.jobs.status import JobStatus, JobStore, State
from housing.s3.stored_uploads import Place, StoredUpload, upload_pages
from retrain.errors import LaunchError
from retrain.launcher import Job, JobLauncher
from retrain.launching import launch_jobs, relaunch
from retrain.sweep.dead_jobs import DeadJobs, Look
from retrain.sweep.position import Position, Positions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PAGES = 10
"""Pages of uploads that one sweep lists, at 1,000 versions a page."""
CHECKS = 100
"""Uploads whose job is looked up one by one, where not all jobs were listed."""
LAUNCHES = 50
"""Uploads whose jobs one sweep starts."""
LAUNCH_SECONDS = 16.0
"""Longest duration of a launch: none begins with less time left."""
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Swept:
    """Result of one sweep."""

    started: list[str] = field(default_factory=list)
    """Restarted jobs."""
    recovered: list[str] = field(default_factory=list)
    """Jobs started for uploads without one."""
    given_up: list[str] = field(default_factory=list)
    refused: list[LaunchError] = field(default_factory=list)


@dataclass(slots=True)
class _Tick:
    """State of a running sweep."""

    now: datetime
    seconds_left: Callable[[], float]
    alert: Callable[[JobStatus], bool]
    known: Collection[str] | None
    swept: Swept = field(default_factory=Swept)
    checks: int = 0

    @property
    def may_launch(self) -> bool:
        return self.seconds_left() >= LAUNCH_SECONDS


class Sweeper:
    """Restarts dead jobs and recovers uploads without a job."""

    def __init__(  # noqa: PLR0913 - the last is the clock, which tests replace
        self,
        s3: "S3Client",
        bucket: str,
        jobs: JobStore,
        launcher: JobLauncher,
        *,
        rules: RestartRules,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Use the bucket's uploads and the jobs' documents."""
        self._s3 = s3
        self._bucket = bucket
        self._jobs = jobs
        self._launcher = launcher
        self._rules = rules
        self._clock = clock
        self._dead_jobs = DeadJobs(jobs, rules)
        self._positions = Positions(s3, bucket)

    def sweep(
        self, *, seconds_left: Callable[[], float], alert: Callable[[JobStatus], bool]
    ) -> Swept:
        """Restart dead and lost jobs; give up those that died too often.

        Args:
            seconds_left: Returns how long this invocation may still take.
            alert: Sends the alert on a job that is given up. If it returns False, the job stays
                open, and the next sweep gives it up again.
        """
        tick = _Tick(self._clock(), seconds_left, alert, self._launcher.attend())
        position = self._positions.load()
        look = self._dead_jobs.look(after=position.job, now=tick.now)
        job = self._restart(look, position.job, tick)
        is_whole = not position.job and not look.place
        upload = self._recover(position.upload, look.ids, tick, is_whole=is_whole)
        reached = Position(job=job, upload=upload)
        if reached != position:
            self._positions.save(reached)
        return tick.swept

    def _restart(self, look: Look, after: str, tick: _Tick) -> str:
        """Restart dead jobs; return the job after which the next sweep continues."""
        for status in look.open:
            if self._is_due(status, tick):
                if not tick.may_launch:
                    return after
                self._end_or_restart(status, tick)
            after = status.job_id
        return look.place

    def _is_due(self, status: JobStatus, tick: _Tick) -> bool:
        allowed = self._rules.silence_allowed(status)
        if allowed == self._rules.lost_after and tick.known is not None:
            if status.job_id in tick.known:
                return False
            allowed = self._rules.dead_after  # the launcher does not list it
        return tick.now - status.updated_at > allowed

    def _end_or_restart(self, status: JobStatus, tick: _Tick) -> None:
        try:
            if self._rules.may_start(status):
                relaunch(status, self._jobs, self._launcher, bucket=self._bucket)
                tick.swept.started.append(status.job_id)
            elif self._give_up(status, tick):
                tick.swept.given_up.append(status.job_id)
        except JobTakenOverError:
            _LOG.info("job_alive", extra={"job_id": status.job_id})  # it has just written
        except LaunchError as exc:
            tick.swept.refused.append(exc)

    def _give_up(self, status: JobStatus, tick: _Tick) -> bool:
        """Alert on a job that died too often, then close it; return whether both succeeded."""
        status.message = "the job failed"
        status.reason = f"the job died {status.launches} times, last in the stage {status.stage}"
        status.next_step = "see the job's log (it may need more memory), then upload again"
        self._jobs.save_own(status)  # its old process can no longer write it
        ended = status.model_copy(update={"state": State.FAILED, "finished_at": tick.now})
        if not tick.alert(ended):
            return False
        status.state, status.finished_at = ended.state, ended.finished_at
        self._jobs.save_own(status)
        _LOG.error("job_given_up", extra={"job_id": status.job_id, "reason": status.reason})
        return True

    def _recover(
        self, after: Place | None, ids: Collection[str], tick: _Tick, *, is_whole: bool
    ) -> Place | None:
        """Start jobs for uploads without one; return where the next sweep continues.

        Args:
            after: Upload after which this sweep continues.
            ids: Ids of the listed jobs.
            tick: State of the sweep.
            is_whole: Whether all jobs were listed.
        """
        try:
            for number, (uploads, following) in enumerate(
                upload_pages(self._s3, self._bucket, after=after), start=1
            ):
                for upload in uploads:
                    if not self._is_in_window(upload, tick.now) or upload.job_id in ids:
                        after = upload.place
                        continue
                    if self._is_over(tick):
                        return after
                    if is_whole or self._has_no_job(upload, tick):
                        self._launch(upload, tick)
                    after = upload.place
                after = following
                if number == PAGES:
                    break
        except ClientError as exc:
            if after is None or exc.response["Error"]["Code"] != "InvalidArgument":
                raise
            return None  # the version of that place is gone: begin at the front
        return after

    def _is_in_window(self, upload: StoredUpload, now: datetime) -> bool:
        return self._rules.upload_grace < now - upload.uploaded_at <= self._rules.upload_window

    def _is_over(self, tick: _Tick) -> bool:
        launched = len(tick.swept.recovered)
        return launched >= LAUNCHES or tick.checks >= CHECKS or not tick.may_launch

    def _has_no_job(self, upload: StoredUpload, tick: _Tick) -> bool:
        tick.checks += 1
        try:
            self._jobs.load(upload.job_id)
        except JobNotFoundError:
            return True
        except ValidationError:
            return False
        return False

    def _launch(self, upload: StoredUpload, tick: _Tick) -> None:
        job = Job(self._bucket, upload.key, upload.version_id, upload.etag)
        launched = launch_jobs([job], self._jobs, self._launcher, self._rules)
        tick.swept.recovered += launched.started
        tick.swept.refused += launched.refused
        if launched.started:
            facts = {"job_id": job.job_id, "key": job.key, "uploaded_at": str(upload.uploaded_at)}
            _LOG.warning("upload_recovered", extra=facts)
