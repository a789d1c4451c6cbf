"""Add uploads to the data set: the job's own, and those of queued jobs.

No lease is needed: adding an upload is idempotent and safe beside other jobs.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from housing.errors import ObjectError
from housing.jobs.status import JobStatus, State
from housing.jobs.uploads import UploadRecord
from housing.s3.client import failure_of
from retrain.training.errors import TrainingError
from retrain.training.job.context import JobContext
from retrain.training.upload.ingest import Ingested, Upload, ingest

_QUEUED_SINCE = timedelta(days=1)
_MOST_QUEUED = 500
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AddedUpload:
    """An upload whose good rows are in the data set, with the digest of their part."""

    part: str
    ingested: Ingested


def add_upload(upload: Upload, context: JobContext) -> AddedUpload:
    """Check an upload and add its good rows to the data set.

    Raises:
        UploadGoneError: The object is not there any more.
        UploadRejectedError: It is not fit for training; its report is written.
        ObjectError: The bucket cannot be read or written.
    """
    limits = context.settings.upload_limits()
    with TemporaryDirectory(prefix="housing-job-") as folder:
        ingested = ingest(context.s3, upload, Path(folder), limits)
        record = UploadRecord(
            job_id=upload.job_id,
            part=ingested.part.digest,
            source=ingested.source,
            uploaded_at=ingested.uploaded_at,
            upload_key=upload.key,
            rows=ingested.part.rows,
        )
        context.dataset.add_file(ingested.part, record)
    return AddedUpload(record.part, ingested)


def add_queued_uploads(context: JobContext, *, known: Collection[str]) -> int:
    """Add the uploads of queued jobs, so that one training serves all; return their number.

    The lease is held meanwhile, so their total size is bounded. An upload that is over the bound or
    fails is left to its own job, which reports it.

    Args:
        context: The job's settings and ports.
        known: Ids of the jobs whose uploads are in the data set already.
    """
    now = datetime.now(UTC)
    silent = context.jobs.silent(since=now - _QUEUED_SINCE, until=now + _QUEUED_SINCE)
    queued = [job for job in silent if job.state == State.QUEUED and job.job_id not in known]
    left_bytes, taken = context.settings.max_queued_bytes, 0
    for upload in (_upload_of(job, context) for job in queued[:_MOST_QUEUED]):
        size_bytes = _size_bytes(upload, context)
        if size_bytes is None:
            _leave(upload, "its size is not known")
        elif size_bytes > left_bytes:
            _leave(upload, f"{size_bytes:,} bytes exceed the {left_bytes:,} left for this training")
        else:
            left_bytes -= size_bytes
            taken += _is_added(upload, context)
    return taken


def _upload_of(job: JobStatus, context: JobContext) -> Upload:
    return Upload(
        job.job_id,
        context.settings.bucket,
        job.upload_key,
        version_id=job.upload_version if job.is_versioned else None,
        etag=None if job.is_versioned else job.upload_version,
    )


def _size_bytes(upload: Upload, context: JobContext) -> int | None:
    version = {"VersionId": upload.version_id} if upload.version_id else {}
    which: dict[str, Any] = {"Bucket": upload.bucket, "Key": upload.key, **version}
    try:
        return context.s3.head_object(**which)["ContentLength"]
    except Exception as exc:  # noqa: BLE001 - failure_of raises what is not boto3's
        failure_of(exc)
        return None


def _is_added(upload: Upload, context: JobContext) -> bool:
    try:
        add_upload(upload, context)
    except (TrainingError, ObjectError) as exc:
        _leave(upload, str(exc))
        return False
    return True


def _leave(upload: Upload, reason: str) -> None:
    _LOG.info("queued_upload_left", extra={"job_id": upload.job_id, "reason": reason})
