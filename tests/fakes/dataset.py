"""Uploads of a data set, as far as the API sees them: parts without rows, and their records."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from housing.jobs.uploads import UploadRecord, UploadRecords

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

JOB_OF_THE_EVENTS = "5c37c0ffee123456"
"""The job whose rows the sample events take out and in."""
MOMENT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def put_part(s3: "S3Client", bucket: str, part: str) -> None:
    """Store a part of the data set; nobody reads its rows."""
    s3.put_object(Bucket=bucket, Key=f"dataset/{part}.parquet", Body=b"rows")


def put_upload(
    s3: "S3Client", bucket: str, job_id: str, *, part: str | None = None, hours: float = 0
) -> UploadRecord:
    """Store the part that a job brought, some hours after ``MOMENT``, and its record."""
    record = UploadRecord(
        job_id=job_id,
        part=part or f"{job_id}{job_id}",
        source="upload",
        uploaded_at=MOMENT + timedelta(hours=hours),
        upload_key=f"new_data/{job_id}.csv",
        rows=1_500,
    )
    put_part(s3, bucket, record.part)
    UploadRecords(s3, bucket).create(record)
    return record
