"""When a job is started again: the rules of the sweep, which the command line waits by as well."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from housing.jobs.status import JobStatus, State

SWEEP_EVERY = timedelta(minutes=5)
"""Period of the schedule in ``infra/template.yaml``."""
_SWEEP_TAKES = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RestartRules:
    """How long a job may be silent, and how often it is started."""

    dead_after: timedelta = timedelta(minutes=2)
    """Silence of a job at work: it gives a sign of life every 20 s."""
    abandoned_after: timedelta = timedelta(seconds=45)
    """Silence of a job that no launcher took: the retrain function ends after 30 s, and Lambda
    calls it again after 60. One that a launcher refused is started again at once."""
    lost_after: timedelta = timedelta(hours=1)
    """Silence of a job in the launcher's queue, which gives no sign either."""
    upload_grace: timedelta = timedelta(minutes=2)
    """Age of an upload without a job: the event of a younger one may be under way."""
    upload_window: timedelta = timedelta(days=7)
    """Age from which an upload without a job, or a silent job, is left alone."""
    most_launches: int = 3

    def silence_allowed(self, status: JobStatus) -> timedelta:
        """Return the silence after which a job that has not ended is started again."""
        if status.state == State.RUNNING:
            return self.dead_after
        if status.reason is not None:  # refused by the launcher, or stopped from outside
            return timedelta()
        return self.lost_after if status.taken_at else self.abandoned_after

    def started_by(self, since: datetime, *, silence: timedelta, sweeps: int = 1) -> datetime:
        """Return by when so many sweeps have looked at what must not be silent for longer.

        Args:
            since: When it gave its last sign, or was uploaded.
            silence: How long it may be silent.
            sweeps: How many sweeps are waited for.
        """
        return since + silence + sweeps * SWEEP_EVERY + _SWEEP_TAKES

    def may_start(self, status: JobStatus) -> bool:
        """Whether a silent job is started again, and not given up."""
        return status.launches < self.most_launches or not status.was_begun
