"""From an object under ``new_data/`` to accepted rows; what is not accepted is reported."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from housing.bucket import DATA_SOURCE_METADATA, REJECTED
from retrain.training.csv_check import CheckedUpload, check_csv
from retrain.training.errors import UploadGoneError, UploadRejectedError
from retrain.training.report import Report, rows_as_csv
from retrain.training.rows import Values

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LOG = logging.getLogger(__name__)
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "PreconditionFailed", "404", "412"})
_DEFAULT_SOURCE = "upload"


@dataclass(frozen=True, slots=True)
class Upload:
    """Which object to read: by its version id, or in a bucket without versions by its ETag."""

    job_id: str
    bucket: str
    key: str
    version_id: str | None = None
    etag: str | None = None

    @property
    def version(self) -> str:
        """What tells this upload from others under the same key."""
        return self.version_id or self.etag or ""


@dataclass(frozen=True, slots=True)
class Ingested:
    """The good rows of an upload, and what became of the others."""

    rows: Values
    source: str
    read: int
    rejected: int
    report_key: str | None


def ingest(
    s3: "S3Client", upload: Upload, *, max_bytes: int, max_bad_rows_share: float
) -> Ingested:
    """Read and check an upload; reports and bad rows go under ``rejected/<job id>/``.

    Raises:
        UploadGoneError: The object is not there any more.
        UploadRejectedError: It is not fit for training; its report is written.
    """
    content = b""
    try:
        content, source = _read(s3, upload, max_bytes)
        checked = check_csv(content)
    except UploadRejectedError as exc:
        raise _rejected(s3, upload, content, _report(upload, str(exc))) from exc
    _LOG.info(
        "upload_checked",
        extra={"rows": checked.read, "bad": len(checked.bad_lines), "source": source}
        | {"ignored_columns": list(checked.header.ignored)},
    )
    too_bad = checked.too_bad(max_bad_rows_share)
    if too_bad:
        raise _rejected(s3, upload, content, _report(upload, too_bad, checked))
    report_key = _report_bad_rows(s3, upload, checked) if checked.bad_lines else None
    return Ingested(checked.rows, source, checked.read, len(checked.bad_lines), report_key)


def _read(s3: "S3Client", upload: Upload, max_bytes: int) -> tuple[bytes, str]:
    if upload.version_id:
        which = {"VersionId": upload.version_id}
    else:
        which = {"IfMatch": f'"{upload.etag}"'} if upload.etag else {}
    try:
        answer = s3.get_object(Bucket=upload.bucket, Key=upload.key, **which)  # type: ignore[arg-type]
    except ClientError as exc:
        if exc.response["Error"]["Code"] in _GONE:
            msg = f"{upload.key} was deleted or overwritten before this job read it"
            raise UploadGoneError(msg) from exc
        raise
    with answer["Body"] as body:
        if answer["ContentLength"] > max_bytes:
            msg = f"the file has {answer['ContentLength']:,} bytes; {max_bytes:,} is the limit"
            raise UploadRejectedError(msg)
        return body.read(), answer["Metadata"].get(DATA_SOURCE_METADATA) or _DEFAULT_SOURCE


def _report(
    upload: Upload, reason: str, checked: CheckedUpload | None = None, *, whole: bool = True
) -> Report:
    return Report(
        job_id=upload.job_id,
        upload_key=upload.key,
        reason=reason,
        rejected_whole=whole,
        rows_read=checked.read if checked else None,
        rows_rejected=len(checked.bad_lines) if checked else None,
        problems_total=checked.problems_total if checked else 0,
        problems=checked.problems if checked else (),
        ignored_columns=checked.header.ignored if checked else (),
    )


def _rejected(
    s3: "S3Client", upload: Upload, content: bytes, report: Report
) -> UploadRejectedError:
    """Keep a copy of what was read beside its report; the upload itself stays where it is."""
    copy = [(PurePosixPath(upload.key).name, content)] if content else []
    return UploadRejectedError(report.reason, report_key=_write(s3, upload, report, copy))


def _report_bad_rows(s3: "S3Client", upload: Upload, checked: CheckedUpload) -> str:
    reason = f"{len(checked.bad_lines):,} bad rows were left out; the others are used"
    report = _report(upload, reason, checked, whole=False)
    rows = rows_as_csv(checked.header, checked.bad_lines)
    return _write(s3, upload, report, [("rows.csv", rows)])


def _write(
    s3: "S3Client", upload: Upload, report: Report, files: Iterable[tuple[str, bytes]]
) -> str:
    folder = f"{REJECTED}{upload.job_id}/"
    written = [("report.json", report.as_json()), ("report.md", report.as_markdown()), *files]
    types = {".json": "application/json", ".md": "text/markdown", ".csv": "text/csv"}
    for name, body in written:
        content_type = types[PurePosixPath(name).suffix]
        s3.put_object(
            Bucket=upload.bucket, Key=f"{folder}{name}", Body=body, ContentType=content_type
        )
    return f"{folder}report.json"
