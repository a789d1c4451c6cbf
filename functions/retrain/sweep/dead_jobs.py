"""Jobs that give no sign of life: a job gives one every 20 s, so that a silent one is dead.

Or it is so slow that another should do its work: the new start writes the job's status, after which
the old process can no longer.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import ValidationError

from housing.errors import JobNotFoundError, ObjectDeniedError
from housing.jobs.restarts import RestartRules
from housing.jobs.status import JobStatus, JobStore

PAGES = 10
"""Pages of jobs that one sweep lists, at 1,000 a page."""
LOADS = 150
"""Statuses that one sweep reads: of jobs that were touched within the window and have not ended."""
_SETTLED_AFTER = timedelta(minutes=1)  # times in S3 are whole seconds
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Look:
    """What one sweep saw of the jobs."""

    open: list[JobStatus] = field(default_factory=list)
    """Jobs that have not ended, in the order of their ids."""
    ids: set[str] = field(default_factory=set)
    """Of all jobs that were listed."""
    place: str = ""
    """Id of the last one, if there are more."""


class DeadJobs:
    """Looks at the jobs, and remembers as long as its process lives which of them have ended."""

    def __init__(self, jobs: JobStore, rules: RestartRules) -> None:
        """Use the jobs' documents."""
        self._jobs = jobs
        self._rules = rules
        self._ended: dict[str, datetime] = {}

    def look(self, *, after: str, now: datetime) -> Look:
        """Read the statuses of jobs that may be silent, as many as one sweep reads."""
        look = Look()
        loads = 0
        for touched_at, job_id in self._listed(after, look):
            if now - touched_at <= self._rules.upload_window and not self._has_ended(
                job_id, touched_at
            ):
                if loads == LOADS:
                    look.place = max(look.ids, default=after)
                    break
                loads += 1
                status = self._load(job_id, touched_at, now)
                if status:
                    look.open.append(status)
            look.ids.add(job_id)
        return look

    def _listed(self, after: str, look: Look) -> Iterator[tuple[datetime, str]]:
        """Yield the jobs of so many pages; note in the look where the list was left."""
        for number, page in enumerate(self._jobs.pages(after=after)):
            if number == PAGES:
                look.place = max(look.ids)
                return
            yield from page

    def _has_ended(self, job_id: str, touched_at: datetime) -> bool:
        return self._ended.get(job_id) == touched_at

    def _load(self, job_id: str, touched_at: datetime, now: datetime) -> JobStatus | None:
        try:
            status = self._jobs.load(job_id)
        except JobNotFoundError:
            return None
        except (ValidationError, ObjectDeniedError):
            _LOG.exception("job_unreadable", extra={"job_id": job_id})
            return None
        if not status.state.is_final:
            return status
        if now - touched_at > _SETTLED_AFTER:
            self._ended[job_id] = touched_at
        return None
