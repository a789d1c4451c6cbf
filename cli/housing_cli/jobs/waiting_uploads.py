"""Uploads without a training job: the event is under way, or the next sweep starts the job."""

from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from rich.text import Text

from housing.jobs.restarts import RestartRules
from housing.jobs.status import JobStore
from housing.s3.stored_uploads import StoredUpload, upload_pages

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STATE = "waiting"
_PAGES = 10
_RULES = RestartRules()


@dataclass(frozen=True, slots=True)
class WaitingUpload:
    """An upload without a job; ``note`` says how its job will start."""

    upload: StoredUpload
    note: str

    def lines(self) -> list[Text]:
        """Return it as lines for people."""
        return [
            Text(f"job {self.upload.job_id}", style="bold"),
            Text.assemble(("file        ", "dim"), self.upload.key),
            Text.assemble(("uploaded    ", "dim"), shown_time(self.upload.uploaded_at)),
            Text.assemble(("state       ", "dim"), (STATE, "yellow")),
            Text.assemble(("next        ", "dim"), self.note),
        ]

    def document(self) -> dict[str, Any]:
        """Return it as a JSON document, with the field names of a job's status."""
        return {
            "job_id": self.upload.job_id,
            "upload_key": self.upload.key,
            "upload_version": self.upload.version,
            "state": STATE,
            "message": self.note,
            "created_at": self.upload.uploaded_at.isoformat(),
        }


def waiting_uploads(s3: "S3Client", bucket: str, *, now: datetime) -> list[WaitingUpload]:
    """Return the uploads of the last seven days that have no job, newest first.

    Reads at most 10,000 versions, in the order of their keys.
    """
    known = {job_id for page in JobStore(s3, bucket).pages() for _, job_id in page}
    pages = islice(upload_pages(s3, bucket), _PAGES)
    waiting = [
        WaitingUpload(upload, _note(upload, now))
        for upload in chain.from_iterable(uploads for uploads, _ in pages)
        if now - upload.uploaded_at <= _RULES.upload_window and upload.job_id not in known
    ]
    return sorted(waiting, key=lambda one: one.upload.uploaded_at, reverse=True)


def shown_time(moment: datetime) -> str:
    """Format a time in the local time zone."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def _note(upload: StoredUpload, now: datetime) -> str:
    if now - upload.uploaded_at <= _RULES.upload_grace:
        return "its event is under way"
    silence, at = _RULES.upload_grace, upload.uploaded_at
    if now > _RULES.started_by(at, silence=silence, sweeps=2):
        return "two sweeps did not start its job: check that the schedule runs (make logs)"
    by = _RULES.started_by(at, silence=silence)
    return f"the sweep starts its job by about {by.astimezone():%H:%M}"
