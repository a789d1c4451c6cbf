"""Record of the part of the data set that each job added, written once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from housing.errors import ObjectError
from housing.s3.documents import Document, Documents
from housing.s3.layout import LINEAGE_UPLOADS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SUFFIX = ".json"
_READERS = 8


class UploadRecord(BaseModel):
    """The part that a job's upload added, and the time of the upload."""

    job_id: str
    part: str = Field(description="digest of the rows, the name of the part")
    source: str
    uploaded_at: AwareDatetime
    upload_key: str = ""
    rows: int | None = None


class UploadRecords:
    """The records under ``lineage/uploads/``; all methods raise ``ObjectError``."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._documents = Documents(s3, bucket)

    def load(self, job_id: str) -> UploadRecord | None:
        """Return the record of a job, or None."""
        key = _key(job_id)
        document = self._documents.find(key)
        return _parsed(key, document) if document else None

    def create(self, record: UploadRecord) -> None:
        """Write a record; one of an earlier try of the same job stays."""
        content = record.model_dump_json(indent=1).encode()
        self._documents.create(_key(record.job_id), content)

    def newest(self, limit: int | None = None) -> Sequence[UploadRecord]:
        """Return the newest records, newest first; all without a limit."""
        listed = self._documents.listed(LINEAGE_UPLOADS)
        newest_first = sorted(listed, key=lambda one: one.written_at, reverse=True)
        keys = [one.key for one in newest_first if one.key.endswith(_SUFFIX)][:limit]
        with ThreadPoolExecutor(_READERS) as readers:
            documents = list(readers.map(self._documents.read, keys))
        return [_parsed(key, one) for key, one in zip(keys, documents, strict=True) if one]


def _parsed(key: str, document: Document) -> UploadRecord:
    try:
        return UploadRecord.model_validate_json(document.content)
    except ValidationError as exc:
        msg = f"{key} is not valid: {exc.error_count()} errors"
        raise ObjectError(msg) from exc


def _key(job_id: str) -> str:
    return f"{LINEAGE_UPLOADS}{job_id}{_SUFFIX}"
