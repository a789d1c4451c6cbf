"""Detect dead jobs: those without a heartbeat, which a running job writes every 20 s.

A job that is merely slow loses its status document to the restarted one and stops.
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
"""Statuses that one sweep reads: of unfinished jobs that were written within the window."""
_SETTLED_AFTER = timedelta(minutes=1)  # times in S3 are whole seconds
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Look:
    """Jobs that one sweep has listed."""

    open: list[JobStatus] = field(default_factory=list)
    """Unfinished jobs, in the order of their ids."""
    ids: set[str] = field(default_factory=set)
    """Ids of all listed jobs."""
    place: str = ""
    """Id of the last listed job, if there are more."""


class DeadJobs:
    """Lists unfinished jobs; caches for the life of the process which jobs have ended."""

    def __init__(self, jobs: JobStore, rules: RestartRules) -> None:
        """Use the jobs' documents."""
        self._jobs = jobs
        self._rules = rules
        self._ended: dict[str, datetime] = {}

    def look(self, *, after: str, now: datetime) -> Look:
        """List jobs and read the statuses of unfinished ones, up to the limits of one sweep."""
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
        """Yield the jobs of up to ``PAGES`` pages; record where the listing stopped."""
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
