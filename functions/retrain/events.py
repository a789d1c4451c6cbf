"""Parse S3 events into training jobs.

Format: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from housing.s3.layout import is_upload
from housing.s3.stored_uploads import named_version
from retrain.errors import EventError
from retrain.launcher import Job

_LOG = logging.getLogger(__name__)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class _Object(_Entry):
    key: str = Field(min_length=1)
    etag: str = Field("", alias="eTag")
    version_id: str = Field("", alias="versionId")


class _Bucket(_Entry):
    name: str = Field(min_length=1)


class _S3(_Entry):
    bucket: _Bucket
    object: _Object


class _Record(_Entry):
    event_name: str = Field(alias="eventName")
    s3: _S3


class _Event(_Entry):
    records: list[_Record] = Field(alias="Records")


def jobs_in(event: Mapping[str, Any]) -> list[Job]:
    """Return a job for each distinct upload in an event, in the event's order.

    Raises:
        EventError: The event is not an S3 event, or does not name an object's version.
    """
    if event.get("Event") == "s3:TestEvent":
        _LOG.info("event_ignored", extra={"reason": "a test of the notification"})
        return []
    try:
        records = _Event.model_validate(event).records
    except ValidationError as exc:
        fields = ", ".join(".".join(map(str, error["loc"])) for error in exc.errors())
        msg = f"not an S3 event: {fields or 'nothing'} is missing or of a wrong type"
        raise EventError(msg) from exc
    return list({job.job_id: job for job in _jobs(records)}.values())


def _jobs(records: list[_Record]) -> Iterator[Job]:
    for record in records:
        key = unquote_plus(record.s3.object.key)
        if not record.event_name.removeprefix("s3:").startswith("ObjectCreated:"):
            _LOG.info("event_ignored", extra={"reason": record.event_name, "key": key})
        elif not is_upload(key):
            level = logging.INFO if key.endswith("/") else logging.WARNING
            _LOG.log(level, "event_ignored", extra={"reason": "not an upload", "key": key})
        else:
            yield _job(record.s3.bucket.name, key, record.s3.object)


def _job(bucket: str, key: str, stored: _Object) -> Job:
    version_id, etag = named_version(stored.version_id, stored.etag)
    if not (version_id or etag):
        msg = f"the event on {key} has neither versionId nor eTag to identify the upload"
        raise EventError(msg)
    return Job(bucket=bucket, key=key, version_id=version_id, etag=etag)
