"""Ingest an upload: fetch it from ``new_data/``, check it, write a report on its bad rows.

Rows pass through files on disk, a few blocks at a time, so that an upload may be larger than
memory.
"""

import csv
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from housing.errors import ObjectError
from retrain.training.dataset.dataset import PartFile, write_part
from retrain.training.errors import UploadRejectedError
from retrain.training.upload.check import Findings, check_stream
from retrain.training.upload.distinct_rows import DistinctRows
from retrain.training.upload.fetch import fetch, opened
from retrain.training.upload.limits import Limits
from retrain.training.upload.report import Report, as_text, write_report

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded object, identified by version id, or by ETag in a bucket without versions."""

    job_id: str
    bucket: str
    key: str
    version_id: str | None = None
    etag: str | None = None

    @property
    def version(self) -> str:
        """The upload's version id or ETag: identifies it among objects of the same key."""
        return self.version_id or self.etag or ""


@dataclass(frozen=True, slots=True)
class Ingested:
    """The good rows of an upload, and the report on the others."""

    part: PartFile
    """The good rows; each distinct one once, unless rows may repeat."""
    source: str
    uploaded_at: datetime
    read: int
    rejected: int
    report: Report
    """Written already if it is not empty."""

    @property
    def accepted(self) -> int:
        """Number of good rows."""
        return self.read - self.rejected

    @property
    def duplicates(self) -> int:
        """Number of good rows that repeat another row of the file."""
        return self.accepted - self.part.rows


def ingest(s3: "S3Client", upload: Upload, folder: Path, limits: Limits) -> Ingested:
    """Read and check an upload; reports and bad rows go under ``rejected/<job id>/``.

    Args:
        s3: S3 client.
        upload: The uploaded object.
        folder: Empty folder for the upload and its rows: up to three times its unpacked size.
        limits: Limits above which it is rejected whole.

    Raises:
        UploadGoneError: The object is not there any more.
        UploadRejectedError: It is not fit for training; its report is written if possible.
        ObjectError: The upload cannot be read whole, or its report cannot be written.
    """
    path = folder / "upload"
    try:
        fetched = fetch(
            s3,
            upload.bucket,
            upload.key,
            path,
            version_id=upload.version_id,
            etag=None if upload.version_id else upload.etag,
            max_bytes=limits.max_bytes,
        )
        findings, part = check_file(path, folder, limits)
    except UploadRejectedError as exc:
        raise _rejected(s3, upload, path, _report(upload, str(exc))) from exc
    _LOG.info(
        "upload_checked",
        extra={"rows": findings.read, "bad": findings.bad, "source": fetched.source}
        | {"remarks": findings.remarks}
        | {"blank_lines": findings.blank, "ignored_columns": list(findings.header.listed)}
        | {"ignored_columns_total": len(findings.header.ignored)},
    )
    too_bad = findings.too_bad(limits.max_bad_rows_share)
    if too_bad:
        raise _rejected(s3, upload, path, _report(upload, too_bad, findings))
    path.unlink()
    report = _report(upload, _outcome(findings), findings, part)
    if report.says_anything:
        files = {"rows.csv": _bad_rows_path(folder)} if findings.bad else {}
        write_report(s3, upload.bucket, report, files)
    facts = (fetched.source, fetched.uploaded_at)
    return Ingested(part, *facts, findings.read, findings.bad, report)


def check_file(path: Path, folder: Path, limits: Limits) -> tuple[Findings, PartFile]:
    """Check a file; write good rows to ``accepted.parquet`` and bad ones to ``rows.csv``.

    Raises:
        UploadRejectedError: It is not a CSV with a known header and at least one row, or it exceeds
            a limit; too many bad rows do not raise it.
    """
    rows = DistinctRows(folder)
    with (
        opened(path, limits) as (stream, bounds),
        _bad_rows_path(folder).open("w", encoding="utf-8", newline="") as bad,
    ):
        findings, blocks = check_stream(stream, bounds)
        writer = csv.writer(bad, lineterminator="\n")
        writer.writerow(map(as_text, findings.header.names))
        for block in blocks:
            rows.add(block.rows)
            writer.writerows(map(as_text, line.fields) for line in block.bad_lines)
    return findings, write_part(folder / "accepted.parquet", rows.in_order())


def _bad_rows_path(folder: Path) -> Path:
    return folder / "rows.csv"


def _outcome(findings: Findings) -> str:
    if findings.bad:
        return f"{findings.bad:,} bad rows were left out; the others are used"
    return "all rows are good"


def _report(
    upload: Upload, reason: str, findings: Findings | None = None, part: PartFile | None = None
) -> Report:
    if findings is None:
        return Report(upload.job_id, upload.key, reason, rejected_whole=True)
    good = findings.read - findings.bad
    return Report(
        job_id=upload.job_id,
        upload_key=upload.key,
        reason=reason,
        rejected_whole=part is None,
        rows_read=findings.read,
        rows_rejected=findings.bad,
        rows_duplicate=good - part.rows if part else None,
        problems_total=findings.problems_total,
        problems=findings.problems,
        blank_lines=findings.blank,
        remarks=findings.remarks,
        ignored_columns=findings.header.listed,
        ignored_columns_total=len(findings.header.ignored),
    )


def _rejected(s3: "S3Client", upload: Upload, path: Path, report: Report) -> UploadRejectedError:
    """Store a copy of the upload beside its report; the upload itself stays in place."""
    copy = {PurePosixPath(upload.key).name: path} if path.exists() else {}
    try:
        report_key = write_report(s3, upload.bucket, report, copy)
    except ObjectError as exc:  # the reason is in the job's status as well
        _LOG.error("report_not_written", extra={"job_id": upload.job_id, "error": str(exc)})
        report_key = None
    return UploadRejectedError(report.reason, report_key=report_key)
