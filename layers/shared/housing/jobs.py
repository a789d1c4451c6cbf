"""The status of each training job: one JSON document in the bucket, written by who works on it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, Field

from housing.bucket import JOBS
from housing.errors import JobNotFoundError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class State(StrEnum):
    """How far a job has come, seen from outside."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return self in (State.SUCCEEDED, State.REJECTED, State.FAILED)


class Stage(StrEnum):
    """The stages of a job, in their order."""

    LAUNCH = "launch"
    WAIT = "wait"
    INGEST = "ingest"
    SNAPSHOT = "snapshot"
    FIT = "fit"
    EXPORT = "export"
    EVALUATE = "evaluate"
    REGISTER = "register"
    GATE = "gate"
    PROMOTE = "promote"


class StageTime(BaseModel):
    """When a stage began, and how long it took once it has ended."""

    stage: Stage
    started_at: datetime
    seconds: float | None = None


class RowCounts(BaseModel):
    """What became of the rows of an upload."""

    read: int
    accepted: int
    rejected: int
    new: int = Field(description="accepted rows that the data set did not hold yet")


class ShadowFigures(BaseModel):
    """How a challenger did beside production on real requests; differences are in $100,000."""

    version: str
    days: int = Field(description="over so many last days")
    requests: int = Field(description="requests that it was to price, whatever came of it")
    errors: int
    timed_out: int = Field(description="requests that it was too slow for")
    mean_difference: float | None = None
    worst_difference: float | None = None


class Verdict(BaseModel):
    """The gate's decision on a new version."""

    promote: bool
    reason: str
    challenger_rmse: float
    champion_rmse: float | None = None
    champion_version: str | None = None
    holdout_rows: int
    shadow: ShadowFigures | None = Field(None, description="of the challenger at that time")


class JobStatus(BaseModel):
    """One job, as ``housing status`` shows it."""

    model_config = ConfigDict(extra="ignore")

    job_id: str
    upload_key: str
    upload_version: str = Field(description="version id of the upload, or its ETag")
    state: State = State.QUEUED
    stage: Stage = Stage.LAUNCH
    message: str = ""
    reason: str | None = Field(None, description="why the job was rejected or failed")
    next_step: str | None = Field(None, description="what to do about it")
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None
    stages: list[StageTime] = []
    rows: RowCounts | None = None
    report_key: str | None = None
    dataset_id: str | None = None
    dataset_rows: int | None = None
    data_source: str | None = None
    run_id: str | None = None
    model_version: str | None = None
    metrics: dict[str, float] = {}
    verdict: Verdict | None = None
    promoted: bool | None = None


class JobStore:
    """The jobs' documents under ``jobs/``."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        """Use an S3 client on one bucket."""
        self._s3 = s3
        self._bucket = bucket

    def create(self, status: JobStatus) -> bool:
        """Write the first status of a job; False when the job is known already."""
        try:
            self._put(status, IfNoneMatch="*")
        except ClientError as exc:
            if exc.response["Error"]["Code"] in ("PreconditionFailed", "412"):
                return False
            raise
        return True

    def save(self, status: JobStatus) -> None:
        """Write the job's status over the last one, with the time."""
        status.updated_at = datetime.now(UTC)
        self._put(status)

    def load(self, job_id: str) -> JobStatus:
        """Read the job's status.

        Raises:
            JobNotFoundError: There is none.
        """
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=_key(job_id))
        except ClientError as exc:
            if exc.response["Error"]["Code"] in ("NoSuchKey", "404"):
                msg = f"no job {job_id} in s3://{self._bucket}/{JOBS}"
                raise JobNotFoundError(msg) from exc
            raise
        return JobStatus.model_validate_json(answer["Body"].read())

    def newest(self, limit: int = 10) -> Sequence[JobStatus]:
        """Read the jobs that were touched last, newest first."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=JOBS)
        found = [
            entry
            for page in pages
            for entry in page.get("Contents", [])
            if entry["Key"].endswith(".json")
        ]
        found.sort(key=lambda entry: entry["LastModified"], reverse=True)
        names = [entry["Key"].removeprefix(JOBS).removesuffix(".json") for entry in found[:limit]]
        jobs = [self.load(name) for name in names]
        return sorted(jobs, key=lambda job: job.created_at, reverse=True)

    def _put(self, status: JobStatus, **conditions: Any) -> None:
        self._s3.put_object(
            Bucket=self._bucket,
            Key=_key(status.job_id),
            Body=status.model_dump_json(indent=1).encode(),
            ContentType="application/json",
            **conditions,
        )


def _key(job_id: str) -> str:
    return f"{JOBS}{job_id}.json"
