"""The training jobs: a page of the newest, one in full with the report on its file."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from housing.errors import (
    JobNotFoundError,
    ObjectDeniedError,
    ObjectMissingError,
    UploadNameError,
)
from housing.jobs.report import UploadReport, read_report
from housing.jobs.status import JobPage, JobStatus, JobStore, Written
from housing.s3.layout import job_id, upload_key
from predict.errors import NoSuchTargetError, outages_as_unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class TrainingJobs:
    """The use case; reads status documents and reports, and writes nothing."""

    s3: "S3Client"
    bucket: str

    def newest(self, limit: int, *, before: str | None = None) -> tuple[JobPage, str | None]:
        """Return a page of jobs, newest first, and the cursor of the next one, if there is one.

        Args:
            limit: Most jobs of the page.
            before: Cursor of the page.

        Raises:
            StoreUnavailableError: The bucket is unavailable.
        """
        place = _place(before) if before else None
        with outages_as_unavailable():
            page = JobStore(self.s3, self.bucket).newest_page(limit, before=place)
        return page, _cursor(page.last) if page.last else None

    def of_upload(self, name: str, version: str) -> JobStatus | None:
        """Return the job of an uploaded file, or None before there is one.

        Args:
            name: Name of the file in the bucket.
            version: Its version id, or its ETag without quotes in a bucket without versions.

        Raises:
            StoreUnavailableError: The bucket is unavailable.
        """
        try:
            key = upload_key(name)
        except UploadNameError:
            return None
        job = job_id(bucket=self.bucket, key=key, version=version)
        with outages_as_unavailable():
            try:
                return JobStore(self.s3, self.bucket).load(job)
            except JobNotFoundError:
                return None

    def load(self, job: str) -> tuple[JobStatus, UploadReport | None]:
        """Return the status of a job, and the report on its file, if there is one.

        Raises:
            NoSuchTargetError: There is no such job.
            StoreUnavailableError: The bucket is unavailable.
        """
        with outages_as_unavailable():
            try:
                status = JobStore(self.s3, self.bucket).load(job)
            except JobNotFoundError as exc:
                msg = f"there is no job {job}"
                raise NoSuchTargetError(msg) from exc
            return status, self._report(status.report_key)

    def _report(self, key: str | None) -> UploadReport | None:
        """Read a report; reports are deleted after some time, and S3 answers 403 then."""
        if key is None:
            return None
        try:
            return read_report(self.s3, self.bucket, key)
        except (ObjectMissingError, ObjectDeniedError):
            return None


def _cursor(written: Written) -> str:
    at, job = written
    return f"{(at - _EPOCH) // _MICROSECOND}-{job}"


def _place(cursor: str) -> Written:
    microseconds, _, job = cursor.partition("-")
    return _EPOCH + int(microseconds) * _MICROSECOND, job
