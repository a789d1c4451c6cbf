"""Reports in the bucket, with what was rejected beside them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from housing.s3.documents import JSON, Documents
from housing.s3.layout import REJECTED
from retrain.training.upload.report import Report

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_TYPES = {".csv": "text/csv", ".gz": "application/gzip"}


def write_report(
    s3: "S3Client", bucket: str, report: Report, files: Mapping[str, Path] | None = None
) -> str:
    """Write a report, over the one before, and files beside it; return the report's key.

    Raises:
        ObjectError: The bucket cannot be written.
    """
    documents = Documents(s3, bucket)
    folder = f"{REJECTED}{report.job_id}/"
    for name, path in (files or {}).items():
        content_type = _TYPES.get(Path(name).suffix, "application/octet-stream")
        documents.upload(f"{folder}{name}", path, content_type=content_type)
    written = {
        "report.md": (report.as_markdown(), "text/markdown"),
        "report.json": (report.as_json(), JSON),
    }
    for name, (body, content_type) in written.items():
        documents.overwrite(f"{folder}{name}", body, content_type=content_type)
    return f"{folder}report.json"
