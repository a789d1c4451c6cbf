"""Checking an upload: every cell of every row, a block of rows at a time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from housing.schema import CANONICAL_COLUMNS, from_census
from retrain.training.csv_reading import Header, Line, read_csv
from retrain.training.errors import UploadRejectedError
from retrain.training.rows import Values

_BLOCK_ROWS = 50_000
_VALUE_CHARACTERS = 80
LISTED_PROBLEMS = 1_000

_MINIMA = np.array([column.minimum for column in CANONICAL_COLUMNS])
_MAXIMA = np.array([column.maximum for column in CANONICAL_COLUMNS])


class _Fault(IntEnum):
    NONE = 0
    BLANK = 1
    NOT_A_NUMBER = 2
    NOT_FINITE = 3
    OUT_OF_RANGE = 4
    SURPLUS_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place; row 1 is the first data row, line 1 the file's first line."""

    row: int
    line: int
    column: str | None
    value: str | None
    reason: str

    def __str__(self) -> str:
        """Return the problem in a line."""
        cell = f", {self.column} '{self.value}'" if self.column else ""
        return f"row {self.row}{cell}: {self.reason}"


@dataclass(slots=True)
class CheckedUpload:
    """The good rows as numbers, the bad ones as they are, and what is wrong with them."""

    header: Header
    rows: Values
    read: int = 0
    bad_lines: list[Line] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    problems_total: int = 0

    @property
    def bad_share(self) -> float:
        """Share of the rows that are bad."""
        return len(self.bad_lines) / self.read

    def too_bad(self, most_share: float) -> str | None:
        """Return why the upload is rejected whole, or None where enough of it is good."""
        if self.bad_share <= most_share:
            return None
        return (
            f"{len(self.bad_lines):,} of {self.read:,} rows are bad "
            f"({self.bad_share:.1%}; {most_share:.0%} is the limit); the first: {self.problems[0]}"
        )


def check_csv(content: bytes) -> CheckedUpload:
    """Check a CSV with either header; the first ``LISTED_PROBLEMS`` problems are listed.

    Raises:
        UploadRejectedError: The content is no CSV with a known header and at least one row.
    """
    header, lines = read_csv(content)
    checked = CheckedUpload(header, rows=np.empty((0, len(CANONICAL_COLUMNS))))
    good = [_check_block(checked, block) for block in _blocks(lines)]
    if not good:
        msg = "the file has a header and no rows"
        raise UploadRejectedError(msg)
    checked.rows = np.concatenate(good)
    return checked


def _blocks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while block := list(islice(lines, _BLOCK_ROWS)):
        yield block


def _check_block(checked: CheckedUpload, block: list[Line]) -> Values:
    """Add a block's findings to what was found before; return its good rows."""
    cells = _cells(checked.header, block)
    parsed = [_parse(column) for column in cells.values()]
    values = _canonical(checked.header, cells, [numbers for numbers, _ in parsed])
    faults = np.column_stack([_surplus(checked.header, block), *(found for _, found in parsed)])
    _mark_out_of_range(faults[:, 1:], values)
    is_bad = faults.any(axis=1)
    checked.read += len(block)
    checked.bad_lines += [block[index] for index in np.flatnonzero(is_bad)]
    places = np.argwhere(faults)
    checked.problems_total += len(places)
    for index, column in places[: LISTED_PROBLEMS - len(checked.problems)]:
        fault = _Fault(faults[index, column])
        checked.problems.append(
            _problem(checked.header, block[index], column - 1, values[index], fault)
        )
    return values[~is_bad]


def _cells(header: Header, block: list[Line]) -> dict[str, list[str]]:
    """Return the wanted cells under the file's own names, in canonical order; none is a blank."""
    positions = {name: header.names.index(name) for name in header.column_of.values()}
    return {
        name: [line.fields[at].strip() if at < len(line.fields) else "" for line in block]
        for name, at in positions.items()
    }


def _surplus(header: Header, block: Iterable[Line]) -> NDArray[np.int8]:
    width = len(header.names)
    found = [any(map(str.strip, line.fields[width:])) for line in block]
    return np.where(found, _Fault.SURPLUS_FIELDS, _Fault.NONE).astype(np.int8)


def _parse(column: list[str]) -> tuple[Values, NDArray[np.int8]]:
    """Return a column's numbers, NaN where there is none, and what is wrong with its cells."""
    try:
        numbers = np.array([_number(cell) for cell in column])
    except ValueError:
        numbers = np.array([_number_or_nan(cell) for cell in column])
    faults = np.zeros(len(column), dtype=np.int8)
    for index in np.flatnonzero(~np.isfinite(numbers)):
        faults[index] = _cell_fault(column[index])
    return numbers, faults


def _number(cell: str) -> float:
    if "_" in cell:  # float() takes 1_000 for 1000; a spreadsheet does not
        raise ValueError(cell)
    return float(cell)


def _number_or_nan(cell: str) -> float:
    try:
        return _number(cell)
    except ValueError:
        return np.nan


def _cell_fault(cell: str) -> _Fault:
    if not cell:
        return _Fault.BLANK
    try:
        _number(cell)
    except ValueError:
        return _Fault.NOT_A_NUMBER
    return _Fault.NOT_FINITE


def _canonical(header: Header, cells: Iterable[str], numbers: Sequence[Values]) -> Values:
    if not header.is_census:
        return np.column_stack(numbers)
    with np.errstate(all="ignore"):
        columns = from_census(dict(zip(cells, numbers, strict=True)))
    return np.column_stack([columns[column.name] for column in CANONICAL_COLUMNS])


def _mark_out_of_range(faults: NDArray[np.int8], values: Values) -> None:
    """Mark impossible values, but not those that only follow from another fault in their row."""
    is_inside = (values >= _MINIMA) & (values <= _MAXIMA)
    follows = faults.any(axis=1, keepdims=True) & ~np.isfinite(values)
    faults[(faults == _Fault.NONE) & ~is_inside & ~follows] = _Fault.OUT_OF_RANGE


def _problem(header: Header, line: Line, column: int, values: Values, fault: _Fault) -> Problem:
    if fault == _Fault.SURPLUS_FIELDS:
        reason = f"{len(line.fields)} fields where the header has {len(header.names)}"
        return Problem(line.row, line.line, None, None, reason)
    name = header.column_of[CANONICAL_COLUMNS[column].name]
    at = header.names.index(name)
    cell = line.fields[at].strip()[:_VALUE_CHARACTERS] if at < len(line.fields) else ""
    reason = _reason(fault, column, values[column], is_census=header.is_census)
    return Problem(line.row, line.line, name, cell, reason)


def _reason(fault: _Fault, column: int, value: float, *, is_census: bool) -> str:
    if fault != _Fault.OUT_OF_RANGE:
        return fault.name.lower().replace("_", " ")
    wanted = CANONICAL_COLUMNS[column]
    limits = f"outside {wanted.minimum:g} … {wanted.maximum:g} {wanted.unit}"
    return f"gives {wanted.name} {value:g}, {limits}" if is_census else limits
