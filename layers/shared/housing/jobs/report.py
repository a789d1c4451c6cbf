"""Reading of the report that a job writes on an upload."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from housing.errors import ObjectError
from housing.s3.bodies import read_body

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Problem(BaseModel):
    """One problem of a file; unknown fields are None."""

    model_config = ConfigDict(extra="ignore")

    row: int | None = None
    column: str | None = None
    value: Any = None
    reason: str

    def line(self) -> str:
        """Return it as one line."""
        where = [
            f"row {self.row}" if self.row is not None else "",
            self.column or "",
            repr(self.value) if self.value is not None else "",
        ]
        place = ", ".join(part for part in where if part)
        return f"{place}: {self.reason}" if place else self.reason


class UploadReport(BaseModel):
    """The report, as far as people are shown it."""

    model_config = ConfigDict(extra="ignore")

    rejected_whole: bool = False
    problems_total: int = 0
    problems: list[Problem] = []
    blank_lines: int = 0
    remarks: list[str] = []
    ignored_columns: list[str] = []
    ignored_columns_total: int = 0


def read_report(s3: "S3Client", bucket: str, key: str) -> UploadReport:
    """Return the report of this key.

    Raises:
        ObjectError: It is missing, cannot be read, or is not valid.
    """
    body = read_body(s3, bucket, key)
    try:
        return UploadReport.model_validate_json(body.content)
    except ValidationError as exc:
        msg = f"{key} is not valid: {exc.error_count()} errors"
        raise ObjectError(msg) from exc


def first_problems(
    s3: "S3Client", bucket: str, report_key: str | None, *, limit: int = 5
) -> Sequence[Problem]:
    """Return the first problems of a report; none without a readable report."""
    if report_key is None:
        return []
    try:
        return read_report(s3, bucket, report_key).problems[:limit]
    except ObjectError:
        return []
