"""Check each cell of a line and report its problem."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from housing.schema import CANONICAL_COLUMNS
from housing.subject import Column
from housing.texts import (
    MISSING,
    says_missing,
    texts_of,
    value_of,
    why_unknown,
)
from retrain.training.dataset.rows import Values
from retrain.training.upload.exact_reading import Line
from retrain.training.upload.header import (
    DELIMITERS,
    MAXIMA,
    MAY_LACK,
    MINIMA,
    Header,
    broken,
    canonical,
)

_VALUE_CHARACTERS = 80
_GROUPED = {
    ".": re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?", re.ASCII),
    ",": re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d*)?", re.ASCII),
}
"""Numbers with separators between thousands, by the decimal mark."""
_SPACES = " '\u00a0\u2009\u202f\u2019"
_SPACED = re.compile(rf"[+-]?[1-9]\d{{0,2}}([{_SPACES}]\d{{3}})+([.,]\d*)?", re.ASCII)
"""Numbers with spaces or apostrophes between thousands, as in France and Switzerland."""
_WITHOUT_SPACES = str.maketrans("", "", _SPACES)
_HINTS = (
    (r"[+-]?\d{1,3}([.,]\d{3})+", "is it a decimal, or thousands? Write thousands without a mark"),
    (r"[+-]?\d*,\d+([eE][+-]?\d+)?", "decimals take a point, not a comma"),
    (r"[+-]?\d*\.\d+([eE][+-]?\d+)?", "other numbers of this file take a comma"),
    (r"'.*'|`.*`", "CSV takes double quotes, or none"),
    (r'=".*"', "it is a formula of a spreadsheet: save its value"),
    (r"[$€£]\s*[\d.,]+|[\d.,]+\s*[$€£%]", "numbers take no currency or percent sign"),
    (MISSING.pattern, "it says that the value is missing"),
    (r"\\N", "it says that the value is missing"),
    (r"\([\d.,]+\)|[\d.,]+-", "negative numbers take a minus sign before them"),
    (
        r"\d{1,4}([./-])\d{1,2}\1\d{2,4}|(?i:[a-z]{3}-\d{2}|\d{1,2}-[a-z]{3})",
        "it is a date: a spreadsheet may have made it of a number",
    ),
    (r"[+-]?[\d.,]+\s*[A-Za-z²]{2,}", "numbers take no unit"),
    (r"[+-]?\d*(_\d+)+\.?\d*|\d+\.\d*(_\d+)+", "it has underscores"),
    (
        r"(?=.*[^\x00-\x7f])[\w.,+\u2010-\u2015\u2212\uff0b-\uff0e -]+",
        "it has characters that look alike",
    ),
)
"""Forms of cells that are not numbers, each with its hint."""


class _Fault(IntEnum):
    NONE = 0
    BLANK = 1
    NOT_A_NUMBER = 2
    NOT_FINITE = 3
    OUT_OF_RANGE = 4
    SURPLUS_FIELDS = 5
    MALFORMED = 6
    UNKNOWN_TEXT = 7
    NOT_A_WHOLE_NUMBER = 8


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
    """Canonical values, ``[n, columns]``; undefined for bad lines."""
    faults: NDArray[np.int8]
    """``[n, 1 + columns]``: fault of the line, then of each required column."""

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
        if fault in {_Fault.SURPLUS_FIELDS, _Fault.MALFORMED}:
            reason = line.fault or self._surplus(line)
            return Problem(line.row, line.line, None, None, reason)
        at = self.header.positions[column - 1]
        cell = line.fields[at].strip() if at < len(line.fields) else ""
        reason = self._reason(fault, column - 1, self.values[index, column - 1], cell)
        if len(line.fields) == 1 and self._other_delimiter(cell):
            reason = (
                f"the fields are separated by '{self._other_delimiter(cell)}', not as the header"
            )
        name = self.header.names[at]
        return Problem(line.row, line.line, name, cell[:_VALUE_CHARACTERS], reason)

    def _other_delimiter(self, line: str) -> str | None:
        """Return the delimiter, other than the header's, that would split a line as wanted."""
        others = (one for one in DELIMITERS if one != self.header.delimiter)
        wanted = len(self.header.positions) - 1
        return next((repr(one)[1:-1] for one in others if line.count(one) >= wanted), None)

    def _surplus(self, line: Line) -> str:
        width = len(self.header.names)
        reason = f"{len(line.fields)} fields where the header has {width}"
        is_split = self.header.delimiter == "," and len(line.fields) > width + width // 2
        return f"{reason}: decimals take a point, not a comma" if is_split else reason

    def _reason(self, fault: _Fault, column: int, value: float, cell: str) -> str:
        if fault == _Fault.OUT_OF_RANGE:
            return self._out_of_range(CANONICAL_COLUMNS[column], value, cell)
        if fault == _Fault.UNKNOWN_TEXT:
            return why_unknown(cell, CANONICAL_COLUMNS[column])
        reason = fault.name.lower().replace("_", " ")
        if fault != _Fault.NOT_A_NUMBER:
            return reason
        hint = next((text for form, text in _HINTS if re.fullmatch(form, cell)), None)
        if hint is None:
            return reason
        odd = [one for one in cell if not one.isascii()]
        names = f" ({', '.join(f'U+{ord(one):04X}' for one in dict.fromkeys(odd))})" if odd else ""
        return f"{reason}: {hint}{names}"

    def _out_of_range(self, wanted: Column, value: float, cell: str) -> str:
        limits = f"outside {wanted.minimum:g} … {wanted.maximum:g} {wanted.unit}"
        if self.header.other:
            limits = f"gives {wanted.name} {value:g}, {limits}"
        if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+", cell) and self.header.other:
            return f"{limits}: the point is read as a decimal mark; write thousands without one"
        unit = re.fullmatch(r"\$(\d[\d,]*)", wanted.unit)
        if unit and value > wanted.maximum:
            in_units = value / float(unit[1].replace(",", ""))
            if wanted.usual_minimum <= in_units <= wanted.usual_maximum:
                return f"{limits}: it looks like dollars, the unit is {wanted.unit}"
        return limits


def check_lines(header: Header, lines: list[Line]) -> CheckedLines:
    """Check every required cell of some lines."""
    columns = CANONICAL_COLUMNS[: len(header.positions)]
    cells_by_column = zip(columns, _cells(header, lines), strict=True)
    parsed = [_parsed(column, cells, header.decimal) for column, cells in cells_by_column]
    values = canonical(header, np.column_stack([numbers for numbers, _ in parsed]))
    faults = np.column_stack([_line_faults(header, lines), *(column for _, column in parsed)])
    _mark_out_of_range(faults[:, 1:], values)
    faults[faults[:, 0] == _Fault.MALFORMED, 1:] = _Fault.NONE
    return CheckedLines(header, lines, values, faults)


def _cells(header: Header, lines: list[Line]) -> Iterable[tuple[str, ...]]:
    """Return the required columns in canonical order; missing cells are blank."""
    wanted, width = itemgetter(*header.positions), max(header.positions) + 1
    blanks = [""] * width
    rows = (
        wanted(fields if len(fields) >= width else fields + blanks) for _, _, fields, _ in lines
    )
    return zip(*rows, strict=True)


def _line_faults(header: Header, lines: list[Line]) -> NDArray[np.int8]:
    width = len(header.names)
    is_surplus = [any(map(str.strip, line.fields[width:])) for line in lines]
    faults = np.where(is_surplus, _Fault.SURPLUS_FIELDS, _Fault.NONE)
    return np.where([bool(line.fault) for line in lines], _Fault.MALFORMED, faults).astype(np.int8)


def _parsed(column: Column, cells: Sequence[str], decimal: str) -> tuple[Values, NDArray[np.int8]]:
    """Return a column's values, NaN for invalid and missing cells, and its cells' faults."""
    if column.kind in {"category", "boolean"}:
        return _parse_texts(column, cells)
    values, faults = _parse(cells, decimal)
    if column.optional:
        for index in np.flatnonzero(faults).tolist():
            if says_missing(cells[index].strip(), column):
                values[index], faults[index] = np.nan, _Fault.NONE
    return values, faults


def _parse_texts(column: Column, cells: Sequence[str]) -> tuple[Values, NDArray[np.int8]]:
    values, faults = np.full(len(cells), np.nan), np.zeros(len(cells), dtype=np.int8)
    known = texts_of(column)
    for index, cell in enumerate(map(str.strip, cells)):
        if says_missing(cell, column):
            continue
        value = value_of(cell, column, known) if cell else None
        if value is not None:
            values[index] = value
        else:
            faults[index] = _Fault.UNKNOWN_TEXT if cell else _Fault.BLANK
    return values, faults


def _parse(column: Sequence[str], decimal: str) -> tuple[Values, NDArray[np.int8]]:
    """Return a column's numbers, NaN for invalid cells, and its cells' faults."""
    numbers = _numbers(column, decimal)
    faults = np.zeros(len(column), dtype=np.int8)
    for index in np.flatnonzero(~np.isfinite(numbers)).tolist():
        faults[index] = _cell_fault(column[index].strip(), decimal)
    return numbers, faults


def _numbers(column: Sequence[str], decimal: str) -> Values:
    text = "".join(column)
    # float() takes 1_000 and digits of other scripts; a spreadsheet does not
    if decimal == "." and "_" not in text and text.isascii():
        try:
            return np.fromiter(map(float, column), np.float64, len(column))
        except ValueError:
            pass
    return np.array([_number_or_nan(cell, decimal) for cell in column])


def _number_or_nan(cell: str, decimal: str) -> float:
    number = number_of(cell, decimal)
    return np.nan if number is None else number


def number_of(cell: str, decimal: str) -> float | None:
    """Parse a number as spreadsheets of a country write it; None if it is not one."""
    text = cell.strip()
    if _SPACED.fullmatch(text):
        text = text.translate(_WITHOUT_SPACES)
    if "_" in text or not text.isascii():
        return None
    if decimal == "," or "," in text:
        if _GROUPED[decimal].fullmatch(text):
            text = text.replace("." if decimal == "," else ",", "")
        elif ("." if decimal == "," else ",") in text:
            return None
        text = text.replace(",", ".")
    try:
        return float(text)
    except ValueError:
        return None


def _cell_fault(cell: str, decimal: str) -> _Fault:
    if not cell:
        return _Fault.BLANK
    return _Fault.NOT_A_NUMBER if number_of(cell, decimal) is None else _Fault.NOT_FINITE


def _mark_out_of_range(faults: NDArray[np.int8], values: Values) -> None:
    """Mark impossible values, except those that result from another fault in their row."""
    width = values.shape[1]
    is_inside = (values >= MINIMA[:width]) & (values <= MAXIMA[:width])
    is_inside |= MAY_LACK[:width] & np.isnan(values)
    follows = faults.any(axis=1, keepdims=True) & ~np.isfinite(values)
    faults[(faults == _Fault.NONE) & broken(values)] = _Fault.NOT_A_WHOLE_NUMBER
    faults[(faults == _Fault.NONE) & ~is_inside & ~follows] = _Fault.OUT_OF_RANGE
