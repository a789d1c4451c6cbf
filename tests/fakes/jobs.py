"""Training jobs whose documents change as time passes, and the clock they go by."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from housing.errors import JobNotFoundError
from housing.jobs.status import JobStatus, Stage, StageTime

MOMENT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def job_status(job_id: str = "job-1", **changes: Any) -> JobStatus:
    """Return a job's document."""
    fields: dict[str, Any] = {
        "job_id": job_id,
        "upload_key": "new_data/more.csv",
        "upload_version": "v1",
        "created_at": MOMENT,
        "updated_at": MOMENT,
    }
    return JobStatus(**{**fields, **changes})


def stage_times(seconds: Mapping[Stage, float | None]) -> list[StageTime]:
    """Return stages with what they took; the running one took None yet."""
    return [
        StageTime(stage=name, started_at=MOMENT, seconds=took) for name, took in seconds.items()
    ]


class FakeTime:
    """A stand-in for the module ``time``: sleeping takes no time, but moves its clock.

    Attributes:
        now: The seconds on the clock.
        on_sleep: Called after each sleep, for what happens meanwhile.
    """

    def __init__(self, on_sleep: Callable[[], None] = lambda: None) -> None:
        self.now = 1_000.0
        self.on_sleep = on_sleep

    def monotonic(self) -> float:
        """Return the seconds on the clock."""
        return self.now

    def time(self) -> float:
        """Return the seconds since 1970, a while after ``MOMENT``."""
        return MOMENT.timestamp() + self.now - 1_000.0

    def sleep(self, seconds: float, /) -> None:
        """Move the clock."""
        self.now += seconds
        self.on_sleep()


class FakeJobs:
    """One job with a timetable: from each second on, the document that can be read then."""

    def __init__(self, time: FakeTime, timetable: Sequence[tuple[float, JobStatus]]) -> None:
        self._time = time
        self._began = time.monotonic()
        self._timetable = timetable

    def load(self, job_id: str) -> JobStatus:
        """See ``housing.jobs.status.JobStore.load``."""
        passed = self._time.monotonic() - self._began
        written = [status for second, status in self._timetable if second <= passed]
        if not written or written[-1].job_id != job_id:
            msg = f"no job {job_id}"
            raise JobNotFoundError(msg)
        return written[-1]
