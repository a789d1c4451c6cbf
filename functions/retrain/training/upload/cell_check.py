"""Check each cell of a line and report its problem."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from housing.schema import CANONICAL_COLUMNS
from retrain.training.dataset.rows import Values
from retrain.training.upload.exact_reading import Line
from retrain.training.upload.header import MAXIMA, MINIMA, Header, canonical

_VALUE_CHARACTERS = 80
_WITH_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")


class _Fault(IntEnum):
    NONE = 0
    BLANK = 1
    NOT_A_NUMBER = 2
    NOT_FINITE = 3
    OUT_OF_RANGE = 4
    SURPLUS_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem at one place; row 1 is the first data row, line 1 the file's first line."""

    row: int
    line: int
    column: str | None
    value: str | None
    reason: str

    def __str__(self) -> str:
        """Return the problem as one line of text."""
        cell = f", {self.column} '{self.value}'" if self.column else ""
        return f"row {self.row}{cell}: {self.reason}"


@dataclass(frozen=True, slots=True)
class CheckedLines:
    """Checked lines with their values and faults."""

    header: Header
    lines: list[Line]
    values: Values
    """Canonical values, ``[n, 9]``; undefined for bad lines."""
    faults: NDArray[np.int8]
    """``[n, 10]``: fault of the line, then of each required column."""

    @property
    def is_bad(self) -> NDArray[np.bool_]:
        """Mask of bad lines."""
        return np.asarray(self.faults.any(axis=1))

    @property
    def problems_total(self) -> int:
        """Number of problems."""
        return int(np.count_nonzero(self.faults))

    def problems(self, most: int) -> list[Problem]:
        """Describe the first ``most`` problems."""
        return [self._problem(*place) for place in np.argwhere(self.faults)[: max(most, 0)]]

    def _problem(self, index: int, column: int) -> Problem:
        fault, line = _Fault(self.faults[index, column]), self.lines[index]
        if fault == _Fault.SURPLUS_FIELDS:
            reason = f"{len(line.fields)} fields where the header has {len(self.header.names)}"
            return Problem(line.row, line.line, None, None, reason)
        at = self.header.positions[column - 1]
        cell = line.fields[at].strip() if at < len(line.fields) else ""
        reason = self._reason(fault, column - 1, self.values[index, column - 1], cell)
        name = self.header.names[at]
        return Problem(line.row, line.line, name, cell[:_VALUE_CHARACTERS], reason)

    def _reason(self, fault: _Fault, column: int, value: float, cell: str) -> str:
        if fault == _Fault.OUT_OF_RANGE:
            wanted = CANONICAL_COLUMNS[column]
            limits = f"outside {wanted.minimum:g} … {wanted.maximum:g} {wanted.unit}"
            is_census = self.header.is_census
            return f"gives {wanted.name} {value:g}, {limits}" if is_census else limits
        reason = fault.name.lower().replace("_", " ")
        if self.header.delimiter != "," and _WITH_COMMA.fullmatch(cell):
            return f"{reason}: decimals take a point, not a comma"
        return reason


def check_lines(header: Header, lines: list[Line]) -> CheckedLines:
    """Check every required cell of some lines."""
    parsed = [_parse(cells) for cells in _cells(header, lines)]
    values = canonical(header, np.column_stack([numbers for numbers, _ in parsed]))
    faults = np.column_stack([_surplus(header, lines), *(column for _, column in parsed)])
    _mark_out_of_range(faults[:, 1:], values)
    return CheckedLines(header, lines, values, faults)


def _cells(header: Header, lines: list[Line]) -> Iterable[tuple[str, ...]]:
    """Return the required columns in canonical order; missing cells are blank."""
    wanted, width = itemgetter(*header.positions), max(header.positions) + 1
    blanks = [""] * width
    rows = (wanted(fields if len(fields) >= width else fields + blanks) for _, _, fields in lines)
    return zip(*rows, strict=True)


def _surplus(header: Header, lines: list[Line]) -> NDArray[np.int8]:
    width = len(header.names)
    is_surplus = [any(map(str.strip, line.fields[width:])) for line in lines]
    return np.where(is_surplus, _Fault.SURPLUS_FIELDS, _Fault.NONE).astype(np.int8)


def _parse(column: Sequence[str]) -> tuple[Values, NDArray[np.int8]]:
    """Return a column's numbers, NaN for invalid cells, and its cells' faults."""
    numbers = _numbers(column)
    faults = np.zeros(len(column), dtype=np.int8)
    for index in np.flatnonzero(~np.isfinite(numbers)).tolist():
        faults[index] = _cell_fault(column[index].strip())
    return numbers, faults


def _numbers(column: Sequence[str]) -> Values:
    if "_" not in "".join(column):  # float() takes 1_000; a spreadsheet does not
        try:
            return np.fromiter(map(float, column), np.float64, len(column))
        except ValueError:
            pass
    return np.array([_number_or_nan(cell) for cell in column])


def _number_or_nan(cell: str) -> float:
    try:
        return np.nan if "_" in cell else float(cell)
    except ValueError:
        return np.nan


def _cell_fault(cell: str) -> _Fault:
    if not cell:
        return _Fault.BLANK
    try:
        float(cell)
    except ValueError:
        return _Fault.NOT_A_NUMBER
    return _Fault.NOT_A_NUMBER if "_" in cell else _Fault.NOT_FINITE


def _mark_out_of_range(faults: NDArray[np.int8], values: Values) -> None:
    """Mark values out of range, except those that result from another fault in their row."""
    is_inside = (values >= MINIMA) & (values <= MAXIMA)
    follows = faults.any(axis=1, keepdims=True) & ~np.isfinite(values)
    faults[(faults == _Fault.NONE) & ~is_inside & ~follows] = _Fault.OUT_OF_RANGE
