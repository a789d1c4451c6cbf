"""From uploads to parts of the data set: the job's own, and those of jobs that still queue.

It needs no turn: the same upload adds the same part, however often and beside whatever else.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from housing.errors import ObjectError
from housing.jobs.status import JobStatus, State
from housing.jobs.uploads import UploadRecord
from retrain.training.errors import TrainingError
from retrain.training.job.context import Parts
from retrain.training.upload.ingest import Ingested, Upload, ingest

_QUEUED_SINCE = timedelta(days=1)
_MOST_QUEUED = 500
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TakenIn:
    """An upload whose good rows are in the data set, as the part of a digest."""

    part: str
    ingested: Ingested


def take_in(upload: Upload, parts: Parts) -> TakenIn:
    """Check an upload and add its good rows to the data set.

    Raises:
        UploadGoneError: The object is not there any more.
        UploadRejectedError: It is not fit for training; its report is written.
        ObjectError: The bucket cannot do its part.
    """
    limits = parts.settings.upload_limits()
    with TemporaryDirectory(prefix="housing-job-") as folder:
        ingested = ingest(parts.s3, upload, Path(folder), limits)
        record = UploadRecord(
            job_id=upload.job_id,
            part=ingested.part.digest,
            source=ingested.source,
            uploaded_at=ingested.uploaded_at,
            upload_key=upload.key,
            rows=ingested.part.rows,
        )
        parts.dataset.add_file(ingested.part, record)
    return TakenIn(record.part, ingested)


def take_in_queued(parts: Parts, *, known: Collection[str]) -> int:
    """Take in what queues as well, so that one training serves all; return how many uploads.

    What cannot be taken in is left to its own job, which will tell.

    Args:
        parts: The job's surroundings.
        known: Ids of the jobs whose uploads are in the data set.
    """
    now = datetime.now(UTC)
    silent = parts.jobs.silent(since=now - _QUEUED_SINCE, until=now + _QUEUED_SINCE)
    queued = [job for job in silent if job.state == State.QUEUED and job.job_id not in known]
    return sum(_is_taken_in(job, parts) for job in queued[:_MOST_QUEUED])


def _is_taken_in(job: JobStatus, parts: Parts) -> bool:
    upload = Upload(
        job.job_id,
        parts.settings.bucket,
        job.upload_key,
        version_id=job.upload_version if job.is_versioned else None,
        etag=None if job.is_versioned else job.upload_version,
    )
    try:
        take_in(upload, parts)
    except (TrainingError, ObjectError) as exc:
        _LOG.info("queued_upload_left", extra={"job_id": job.job_id, "reason": str(exc)})
        return False
    return True
