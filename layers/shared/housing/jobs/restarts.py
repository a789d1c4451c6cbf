"""Rules of the sweep for restarting jobs; the command line uses them for its waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from housing.jobs.status import JobStatus, State

SWEEP_EVERY = timedelta(minutes=5)
"""Period of the schedule in ``infra/template.yaml``."""
_SWEEP_TAKES = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RestartRules:
    """Allowed silence of a job, and number of its starts."""

    dead_after: timedelta = timedelta(minutes=2)
    """Silence of a running job, whose heartbeat comes every 20 s."""
    abandoned_after: timedelta = timedelta(seconds=45)
    """Silence of a job that no launcher has: the retrain function ends after 30 s, and Lambda
    retries it after 60. A job that the launcher rejected is restarted at once."""
    lost_after: timedelta = timedelta(hours=1)
    """Silence of a job in the launcher's queue, which has no heartbeat."""
    upload_grace: timedelta = timedelta(minutes=2)
    """Age of an upload without a job: the event of a younger one may still come."""
    upload_window: timedelta = timedelta(days=7)
    """Age from which an upload without a job, or a silent job, is ignored."""
    most_launches: int = 3

    def silence_allowed(self, status: JobStatus) -> timedelta:
        """Return the silence after which an unfinished job is restarted."""
        if status.state == State.RUNNING:
            return self.dead_after
        if status.reason is not None:  # rejected by the launcher, or stopped from outside
            return timedelta()
        return self.lost_after if status.taken_at else self.abandoned_after

    def started_by(self, since: datetime, *, silence: timedelta, sweeps: int = 1) -> datetime:
        """Return the time by which the sweep has restarted a silent job or upload.

        Args:
            since: Time of its last sign of life, or of the upload.
            silence: Allowed silence.
            sweeps: Number of sweeps to wait for.
        """
        return since + silence + sweeps * SWEEP_EVERY + _SWEEP_TAKES

    def may_start(self, status: JobStatus) -> bool:
        """Whether a silent job is restarted instead of given up."""
        return status.launches < self.most_launches or not status.was_begun
