"""A sweeper whose clock and time are the test's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fakes.launcher import FakeJobLauncher
from housing.jobs.restarts import RestartRules
from housing.jobs.status import JobStatus, JobStore, Stage, State
from retrain.launcher import Job
from retrain.launching import launch_jobs
from retrain.sweep.sweeper import Sweeper, Swept

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RULES = RestartRules()


@dataclass
class Sweeps:
    """Sweeps one bucket, as the schedule would at some time from now.

    Attributes:
        alerted: The jobs that an alert was sent on.
        takes_alerts: Whether the topic does.
        seconds_left: Of the invocation.
    """

    s3: "S3Client"
    bucket: str
    launcher: FakeJobLauncher
    rules: RestartRules = RULES
    later: timedelta = timedelta()
    seconds_left: float = 30.0
    takes_alerts: bool = True
    alerted: list[JobStatus] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget what one process of the function keeps."""
        self._sweeper = Sweeper(
            self.s3,
            self.bucket,
            self.jobs,
            self.launcher,
            rules=self.rules,
            clock=lambda: datetime.now(UTC) + self.later,
        )

    @property
    def jobs(self) -> JobStore:
        return JobStore(self.s3, self.bucket)

    def sweep(self, **later: float) -> Swept:
        """Sweep, so many minutes, hours or days from now."""
        self.later = timedelta(**later)
        return self._sweeper.sweep(seconds_left=lambda: self.seconds_left, alert=self._alert)

    def _alert(self, status: JobStatus) -> bool:
        if self.takes_alerts:
            self.alerted.append(status)
        return self.takes_alerts

    def begun(self, job: Job, **changes: object) -> JobStatus:
        """Launch a job and return its status as it is at work."""
        launch_jobs([job], self.jobs, self.launcher, self.rules)
        status = self.jobs.load(job.job_id)
        status.state, status.stage = State.RUNNING, Stage.FIT
        for name, value in changes.items():
            setattr(status, name, value)
        self.jobs.save(status)
        self.launcher.launched.clear()
        return status


@contextmanager
def pages_of(s3: "S3Client", operation: str, keys: int) -> Iterator[list[Any]]:
    """Have an operation list so few keys a page; yield the parameters of each request."""
    asked = []

    def shorten(params: dict[str, Any], **_: Any) -> None:
        params["MaxKeys"] = keys
        asked.append(params)

    event = f"provide-client-params.s3.{operation}"
    s3.meta.events.register(event, shorten)
    try:
        yield asked
    finally:
        s3.meta.events.unregister(event, shorten)
