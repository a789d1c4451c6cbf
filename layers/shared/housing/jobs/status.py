"""Status of each training job: one JSON document in the bucket."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from housing.errors import JobNotFoundError, JobTakenOverError
from housing.jobs.results import Drift, Held, LiveFigures, RowCounts, Verdict
from housing.s3.documents import Documents
from housing.s3.layout import JOBS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SUFFIX = ".json"


class State(StrEnum):
    """State of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    FAILED = "failed"
    HELD = "held"
    """The version is registered, and waits for a person or for ``housing resume``."""

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return self not in (State.QUEUED, State.RUNNING)

    @property
    def is_success(self) -> bool:
        """Whether the job succeeded, even if its version is held."""
        return self in (State.SUCCEEDED, State.HELD)


class Stage(StrEnum):
    """The stages of a job, in their order."""

    LAUNCH = "launch"
    INGEST = "ingest"
    WAIT = "wait"
    SNAPSHOT = "snapshot"
    FIT = "fit"
    EXPORT = "export"
    EVALUATE = "evaluate"
    REGISTER = "register"
    GATE = "gate"
    PROMOTE = "promote"


class StageTime(BaseModel):
    """Start and duration of a stage; no duration while it runs."""

    stage: Stage
    started_at: datetime
    seconds: float | None = None


class JobStatus(BaseModel):
    """One job, as ``housing status`` shows it."""

    model_config = ConfigDict(extra="ignore")

    job_id: str
    upload_key: str
    upload_version: str = Field(description="version id of the upload, or its ETag")
    is_versioned: bool = Field(default=True, description="whether it is a version id")
    state: State = State.QUEUED
    stage: Stage = Stage.LAUNCH
    message: str = ""
    reason: str | None = Field(None, description="why the job was rejected or failed")
    next_step: str | None = Field(None, description="what to do about it")
    launches: int = Field(1, description="how often it was started")
    taken_at: datetime | None = Field(None, description="when a launcher took this start of it")
    rollbacks_seen: int | None = Field(
        None, description="rollbacks before it began; after one more it promotes nothing"
    )
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None
    stages: list[StageTime] = []
    rows: RowCounts | None = None
    drift: Drift | None = None
    live: LiveFigures | None = Field(None, description="production on the upload's new rows")
    report_key: str | None = None
    part: str | None = Field(None, description="part of the data set that it brought")
    excluded: bool = Field(default=False, description="whether that part is left out")
    dataset_id: str | None = None
    dataset_rows: int | None = None
    data_source: str | None = None
    run_id: str | None = None
    model_version: str | None = None
    metrics: dict[str, float] = {}
    verdict: Verdict | None = None
    promoted: bool | None = None
    held: Held | None = Field(None, description="why its version waits for a person")

    _stored_as: str | None = PrivateAttr(None)

    @property
    def was_begun(self) -> bool:
        """Whether the last start of the job reached a launcher."""
        return self.state == State.RUNNING or self.taken_at is not None

    @property
    def stored_as(self) -> str | None:
        """ETag of the document that the status was loaded from, or last written to."""
        return self._stored_as

    def mark_stored(self, etag: str) -> None:
        """Set the ETag of the document with this status."""
        self._stored_as = etag


Written = tuple[datetime, str]
"""Time of the last writing of a job's document, and the job's id."""


class JobPage(NamedTuple):
    """A page of jobs; ``last`` is the last of them, if there are more."""

    jobs: Sequence[JobStatus]
    last: Written | None


class JobStore:
    """The jobs' documents under ``jobs/``.

    Every method raises ``ObjectError`` if the bucket is unavailable. Two writers never write equal
    documents: each has the time of writing.
    """

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._documents = Documents(s3, bucket)
        self._bucket = bucket

    def create(self, status: JobStatus) -> bool:
        """Write the first status of a job; return False if the job exists."""
        return _is_stored(status, self._documents.create(_key(status.job_id), _content(status)))

    def save(self, status: JobStatus) -> None:
        """Overwrite the job's status, with the time."""
        status.updated_at = datetime.now(UTC)
        status.mark_stored(self._documents.overwrite(_key(status.job_id), _content(status)))

    def save_own(self, status: JobStatus) -> None:
        """Write the job's status, only over the one that was loaded, created or saved before.

        Raises:
            JobTakenOverError: Another process has written it since.
        """
        status.updated_at = datetime.now(UTC)
        key, content = _key(status.job_id), _content(status)
        etag = self._documents.replace(key, content, etag=status.stored_as)
        if not _is_stored(status, etag):
            msg = f"job {status.job_id} was taken over by another process"
            raise JobTakenOverError(msg)

    def load(self, job_id: str) -> JobStatus:
        """Read the job's status.

        Raises:
            JobNotFoundError: There is none.
        """
        document = self._documents.read(_key(job_id))
        if document is None:
            msg = f"no job {job_id} in s3://{self._bucket}/{JOBS}"
            raise JobNotFoundError(msg)
        status = JobStatus.model_validate_json(document.content)
        status.mark_stored(document.etag)
        return status

    def newest(self, limit: int = 10) -> Sequence[JobStatus]:
        """Read the jobs that were written last, newest first."""
        return self.newest_page(limit).jobs

    def newest_page(self, limit: int, *, before: Written | None = None) -> JobPage:
        """Read the jobs that were written last, or last before another one; newest first."""
        written = sorted(self._written(), reverse=True)
        if before:
            written = [one for one in written if one < before]
        jobs = [self.load(job_id) for _, job_id in written[:limit]]
        jobs.sort(key=lambda job: job.created_at, reverse=True)
        return JobPage(jobs, written[limit - 1] if len(written) > limit else None)

    def silent(self, *, since: datetime, until: datetime) -> Sequence[JobStatus]:
        """Read the unfinished jobs that were last written between two times."""
        jobs = (self.load(job_id) for when, job_id in self._written() if since <= when <= until)
        return [job for job in jobs if not job.state.is_final]

    def pages(self, *, after: str = "") -> Iterator[list[Written]]:
        """Yield the time of the last writing and the id of each job, in pages of up to 1,000.

        Args:
            after: Id of a job; those with later ids are listed, in order.
        """
        for page in self._documents.pages(JOBS, after=_key(after) if after else ""):
            yield [
                (one.written_at, one.key.removeprefix(JOBS).removesuffix(_SUFFIX))
                for one in page
                if one.key.endswith(_SUFFIX)
            ]

    def _written(self) -> Iterator[Written]:
        return chain.from_iterable(self.pages())


def _is_stored(status: JobStatus, etag: str | None) -> bool:
    """Set the ETag of a written status; return whether it was written."""
    if etag is not None:
        status.mark_stored(etag)
    return etag is not None


def _content(status: JobStatus) -> bytes:
    return status.model_dump_json(indent=1).encode()


def _key(job_id: str) -> str:
    return f"{JOBS}{job_id}{_SUFFIX}"
