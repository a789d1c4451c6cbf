"""Read the report on the rejected rows of a file."""

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


class _Report(BaseModel):
    model_config = ConfigDict(extra="ignore")

    problems: list[Problem] = []


def first_problems(
    s3: "S3Client", bucket: str, report_key: str | None, *, limit: int = 5
) -> Sequence[Problem]:
    """Return the first problems of a report; none without a readable report."""
    if report_key is None:
        return []
    try:
        body = read_body(s3, bucket, report_key)
        return _Report.model_validate_json(body.content).problems[:limit]
    except (ObjectError, ValidationError):
        return []
