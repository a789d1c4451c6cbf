"""The report on an upload, as JSON and Markdown."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from housing.s3.documents import JSON, Documents
from housing.s3.layout import REJECTED
from retrain.training.markdown import code_cell, code_span
from retrain.training.upload.cell_check import Problem

_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_MAY_BE_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")  # noqa: RUF001 - full-width signs too


def as_text(cell: str) -> str:
    """Return a cell, prefixed by an apostrophe if a spreadsheet would evaluate it.

    Numbers stay unchanged. https://owasp.org/www-community/attacks/CSV_Injection
    """
    if _MAY_BE_FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


@dataclass(frozen=True, slots=True)
class Report:
    """Result of checking an upload."""

    job_id: str
    upload_key: str
    reason: str
    rejected_whole: bool
    rows_read: int | None = None
    rows_rejected: int | None = None
    rows_duplicate: int | None = None
    """Number of good rows that repeat another row of the file."""
    rows_known: int | None = None
    """Distinct good rows that were in the data set; None until they are added."""
    rows_revised: int | None = None
    """Rows that were in the data set with another target; the upload's values replace them."""
    problems_total: int = 0
    problems: Sequence[Problem] = ()
    blank_lines: int = 0
    """Blank lines, and repeated headers."""
    remarks: Sequence[str] = ()
    """Everything unusual about the file that was read all the same."""
    ignored_columns: Sequence[str] = ()
    """The first ones, their names cut."""
    ignored_columns_total: int = 0

    @property
    def says_anything(self) -> bool:
        """Whether there is anything to report."""
        counts = (self.rows_rejected, self.rows_duplicate, self.rows_known, self.rows_revised)
        is_odd = bool(self.ignored_columns or self.remarks)
        return self.rejected_whole or any(counts) or is_odd

    def as_json(self) -> bytes:
        """Return the report as JSON."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False).encode()

    def as_markdown(self) -> bytes:
        """Return the report as Markdown."""
        accepted = "accepted without its bad rows" if self.rows_rejected else "accepted"
        outcome = "rejected" if self.rejected_whole else accepted
        return "\n".join(
            [
                f"# {code_span(self.upload_key)}: {outcome}",
                "",
                code_span(self.reason),
                "",
                *self._facts(),
                *self._table(),
                "",
            ]
        ).encode()

    def _facts(self) -> Iterable[str]:
        yield f"- job: {self.job_id}"
        if self.rows_read is not None:
            yield f"- rows: {self.rows_read:,} read, {self.rows_rejected:,} bad"
        if self.rows_duplicate:
            yield f"- rows that repeat another one of the file: {self.rows_duplicate:,}"
        if self.rows_known:
            yield f"- rows that the data set held before: {self.rows_known:,}"
        if self.rows_revised:
            yield f"- rows that the data set held with another value: {self.rows_revised:,}"
        if self.blank_lines:
            yield f"- blank lines and repeated headers that were skipped: {self.blank_lines:,}"
        yield from (f"- {code_span(remark)}" for remark in self.remarks)
        if self.ignored_columns:
            names = ", ".join(filter(None, map(code_span, self.ignored_columns)))
            hidden = self.ignored_columns_total - len(self.ignored_columns)
            more = f" and {hidden:,} more" if hidden > 0 else ""
            yield f"- columns that were ignored: {names}{more}"

    def _table(self) -> Iterable[str]:
        if not self.problems:
            return
        yield f"- problems: {self.problems_total:,}, the first {len(self.problems):,} are listed"
        yield ""
        yield "| row | line | column | value | reason |"
        yield "|---|---|---|---|---|"
        for problem in self.problems:
            cell = code_cell(problem.column or ""), code_cell(problem.value or "")
            yield f"| {problem.row} | {problem.line} | {' | '.join(cell)} | {problem.reason} |"


if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_TYPES = {".csv": "text/csv", ".tsv": "text/tab-separated-values", ".gz": "application/gzip"}


def write_report(
    s3: "S3Client", bucket: str, report: Report, files: Mapping[str, Path] | None = None
) -> str:
    """Write a report and its files, replacing earlier ones; return the report's key.

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
