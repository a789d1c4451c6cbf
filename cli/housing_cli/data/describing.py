"""Describe a data file: each column's values beside the schema's ranges."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from housing.schema import CANONICAL_COLUMNS, CENSUS_HEADER, Column, from_census
from housing_cli.errors import DataFileError


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """The values of a column of the schema in a file.

    ``missing`` counts empty cells and text, ``impossible`` and ``unusual`` the values outside the
    schema's two ranges; minimum, median and maximum are None without a number.
    """

    name: str
    unit: str
    present: bool
    usual_minimum: float
    usual_maximum: float
    minimum: float | None
    median: float | None
    maximum: float | None
    missing: int
    impossible: int
    unusual: int


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file: its rows, its header, its columns."""

    path: str
    rows: int
    header: str
    columns: list[ColumnFacts]
    unknown_columns: list[str]


def describe(path: Path) -> FileFacts:
    """Read a CSV under either header and compare it with the schema.

    Raises:
        DataFileError: It is missing, empty or not a CSV.
    """
    table = _read(path)
    names = [str(name) for name in table.columns]
    from_the_census = set(CENSUS_HEADER) <= set(names)
    if from_the_census:
        numbers = {name: _numbers(table[name]) for name in CENSUS_HEADER}
        known, canonical = set(CENSUS_HEADER), pd.DataFrame(from_census(numbers))
    else:
        known = {column.name for column in CANONICAL_COLUMNS}
        canonical = table
    return FileFacts(
        path=str(path),
        rows=len(table),
        header="census" if from_the_census else "canonical",
        columns=[_facts(column, canonical) for column in CANONICAL_COLUMNS],
        unknown_columns=[name for name in names if name not in known],
    )


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, low_memory=False)
    except FileNotFoundError as exc:
        msg = f"no such file: {path}"
        raise DataFileError(msg) from exc
    except (OSError, ValueError) as exc:  # pandas' own parse errors are ValueErrors
        msg = f"cannot read {path} as CSV: {exc}"
        raise DataFileError(msg) from exc


def _numbers(cells: "pd.Series[float]") -> "pd.Series[float]":
    """Convert cells to numbers; text and infinities become missing."""
    numbers = pd.to_numeric(cells, errors="coerce").astype(float)
    return numbers.where(np.isfinite(numbers))


def _facts(column: Column, table: pd.DataFrame) -> ColumnFacts:
    present = column.name in table.columns
    cells = _numbers(table[column.name]) if present else pd.Series(np.nan, index=table.index)
    numbers = cells.dropna()
    some = len(numbers) > 0
    possible = numbers.between(column.minimum, column.maximum)
    usual = numbers.between(column.usual_minimum, column.usual_maximum)
    return ColumnFacts(
        name=column.name,
        unit=column.unit,
        present=present,
        usual_minimum=column.usual_minimum,
        usual_maximum=column.usual_maximum,
        minimum=float(numbers.min()) if some else None,
        median=float(numbers.median()) if some else None,
        maximum=float(numbers.max()) if some else None,
        missing=len(cells) - len(numbers),
        impossible=int((~possible).sum()),
        unusual=int((possible & ~usual).sum()),
    )
