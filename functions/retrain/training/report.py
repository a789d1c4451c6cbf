"""The report on an upload that was not, or not wholly, accepted; for programs and for people."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from retrain.training.line_check import Problem
from retrain.training.csv_header import Header
from retrain.training.csv_reading import Line


@dataclass(frozen=True, slots=True)
class Report:
    """What is wrong with an upload; ``rejected_whole`` or only some of its rows."""

    job_id: str
    upload_key: str
    reason: str
    rejected_whole: bool
    rows_read: int | None
    rows_rejected: int | None
    problems_total: int
    problems: Sequence[Problem]
    ignored_columns: Sequence[str]

    def as_json(self) -> bytes:
        """Return the report for programs."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False).encode()

    def as_markdown(self) -> bytes:
        """Return the report for people."""
        outcome = "rejected" if self.rejected_whole else "accepted without its bad rows"
        return "\n".join(
            [
                f"# {self.upload_key}: {outcome}",
                "",
                _text(self.reason),
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
        if self.ignored_columns:
            yield f"- columns that were ignored: {_text(', '.join(self.ignored_columns))}"

    def _table(self) -> Iterable[str]:
        if not self.problems:
            return
        yield f"- problems: {self.problems_total:,}, the first {len(self.problems):,} are listed"
        yield ""
        yield "| row | line | column | value | reason |"
        yield "|---|---|---|---|---|"
        for problem in self.problems:
            cells = (problem.row, problem.line, problem.column, problem.value, problem.reason)
            yield f"| {' | '.join('' if cell is None else _text(str(cell)) for cell in cells)} |"


def rows_as_csv(header: Header, lines: Iterable[Line]) -> bytes:
    """Return lines of an upload as they were, under their header, to be corrected and sent."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header.names)
    writer.writerows(line.fields for line in lines)
    return text.getvalue().encode()


def _text(text: str) -> str:
    """Return text from a stranger's file so that Markdown shows it and does not obey it."""
    for special in "\\`*_[]<>|#":
        text = text.replace(special, f"\\{special}")
    return " ".join(text.split())
