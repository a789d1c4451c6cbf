"""Describe a data file as an upload's check reads it: its verdict, and each column's values."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from housing.schema import CANONICAL_COLUMNS
from housing.subject import Column
from housing_cli.user_file import reading
from retrain.training.settings import TrainingSettings
from retrain.training.upload.cell_check import check_lines
from retrain.training.upload.check import CheckedBlock, Findings, check_stream
from retrain.training.upload.fetch import opened
from retrain.training.upload.limits import Limits

_LISTED_PROBLEMS = 10


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """The values of a column of the schema in a file.

    ``missing`` counts empty cells and text, ``impossible`` and ``unusual`` the values outside the
    schema's two ranges; minimum, median and maximum are None without a number. Of a category or
    boolean ``levels`` has the rows of each level, the most frequent first.
    """

    name: str
    unit: str
    usual_minimum: float
    usual_maximum: float
    minimum: float | None
    median: float | None
    maximum: float | None
    missing: int
    impossible: int
    unusual: int
    levels: dict[str, int] | None = None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file: its rows, its header, its columns, and what an upload of it would give."""

    path: str
    rows: int
    bad_rows: int
    header: str
    columns: list[ColumnFacts]
    unknown_columns: list[str]
    remarks: list[str]
    problems: list[str]
    """The first ones."""
    rejected: str | None
    """Why an upload would be rejected whole; None if it would be used."""


def describe(path: Path) -> FileFacts:
    """Read a CSV as the training job does and compare it with the schema.

    Raises:
        DataFileError: It is missing, or an upload of it would be rejected before its rows are read.
    """
    settings = TrainingSettings.model_validate({"bucket": "none", "tracking_uri": "http://none"})
    with reading(path, rejected="an upload of {} would be rejected"):
        findings, values = _read(path, settings.upload_limits())
    return FileFacts(
        path=str(path),
        rows=findings.read,
        bad_rows=findings.bad,
        header=findings.header.other.title if findings.header.other else "canonical",
        columns=[_facts(*column) for column in zip(CANONICAL_COLUMNS, values.T, strict=True)],
        unknown_columns=list(findings.header.listed),
        remarks=findings.remarks,
        problems=list(map(str, findings.problems[:_LISTED_PROBLEMS])),
        rejected=findings.too_bad(settings.max_bad_rows_share),
    )


def _read(path: Path, limits: Limits) -> tuple[Findings, NDArray[np.float64]]:
    """Return the check's findings, and the values of all rows; NaN where there is no number."""
    with opened(path, limits) as (stream, bounds):
        findings, blocks = check_stream(stream, bounds)
        values = [part for block in blocks for part in _values(findings, block)]
    return findings, np.concatenate(values)


def _values(findings: Findings, block: CheckedBlock) -> list[NDArray[np.float64]]:
    if not block.bad_lines:
        return [block.rows]
    bad = check_lines(findings.header, block.bad_lines).values.copy()
    bad[[bool(line.fault) for line in block.bad_lines]] = np.nan
    return [block.rows, np.where(np.isfinite(bad), bad, np.nan)]


def _facts(column: Column, cells: NDArray[np.float64]) -> ColumnFacts:
    numbers = cells[~np.isnan(cells)]
    if column.kind in {"category", "boolean"}:
        return _facts_of_levels(column, numbers, missing=len(cells) - len(numbers))
    some = len(numbers) > 0
    possible = (numbers >= column.minimum) & (numbers <= column.maximum)
    usual = (numbers >= column.usual_minimum) & (numbers <= column.usual_maximum)
    return ColumnFacts(
        name=column.name,
        unit=column.unit,
        usual_minimum=column.usual_minimum,
        usual_maximum=column.usual_maximum,
        minimum=float(numbers.min()) if some else None,
        median=float(np.median(numbers)) if some else None,
        maximum=float(numbers.max()) if some else None,
        missing=len(cells) - len(numbers),
        impossible=int(np.count_nonzero(~possible)),
        unusual=int(np.count_nonzero(possible & ~usual)),
    )


def _facts_of_levels(column: Column, codes: NDArray[np.float64], *, missing: int) -> ColumnFacts:
    texts = ("no", "yes") if column.kind == "boolean" else (*column.categories, "other")
    rows = Counter(codes.astype(int).tolist())
    return ColumnFacts(
        name=column.name,
        unit=column.unit,
        usual_minimum=0,
        usual_maximum=len(texts) - 1,
        minimum=None,
        median=None,
        maximum=None,
        missing=missing,
        impossible=0,
        unusual=0,
        levels={texts[code]: count for code, count in rows.most_common()},
    )
