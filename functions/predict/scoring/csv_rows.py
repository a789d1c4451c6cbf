"""Rows of a CSV body with the canonical header, in any order of columns."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import islice
from operator import itemgetter
from typing import Any

from housing.schema import FEATURE_NAMES
from predict.errors import InvalidFieldsError, MalformedBodyError
from predict.scoring.columns import REQUIRED, TEXT_COLUMNS
from predict.scoring.request_body import MOST_NAMES
from predict.scoring.validation import too_many_rows

PLACE = "rows"
_SHOWN_CHARACTERS = 100


def read(
    body: bytes, max_rows: int, *, strict: bool, has_header: bool = True
) -> list[dict[str, float | str]]:
    """Return the features of each row by name; cells that are not numbers stay text.

    Args:
        body: UTF-8, with or without a byte order mark.
        max_rows: The limit on rows, blank lines not counted.
        strict: Whether unknown columns are rejected.
        has_header: Whether it has a header; without, the columns are those of the schema.

    Raises:
        MalformedBodyError: It is not UTF-8, or not a CSV.
        InvalidFieldsError: Columns are missing, unknown, repeated or too many, or a row has
            too many cells.
        TooLargeError: There are more rows than the limit.
    """
    try:
        text = body.decode("utf-8-sig")
        # Blank lines are not rows; one row over the limit is enough.
        lines = filter(_is_row, csv.reader(StringIO(text, newline="")))
        header = [*FEATURE_NAMES]
        if has_header:
            header = [name.strip() for name in next(lines, [])]
        if errors := list(_header_errors(header, strict=strict)):
            _check_line_ends(text, header)
            raise InvalidFieldsError(errors)
        rows = list(islice(lines, max_rows + 1))
    except (UnicodeDecodeError, csv.Error) as exc:
        msg = f"the body is not a CSV in UTF-8: {exc}"
        raise MalformedBodyError(msg) from exc
    if len(rows) > max_rows:
        raise too_many_rows(max_rows)
    _check_widths(rows, len(header))
    names: Sequence[str] = header
    cells: Iterable[Sequence[str]] = rows
    known = [name for name in FEATURE_NAMES if name in header]
    if len(header) > len(known):
        names, cells = known, _columns(rows, [header.index(name) for name in known])
    # float() takes 1_000 and digits of other scripts, which uploads and MLflow do not.
    number = _number if text.isascii() and "_" not in text else _plain_number
    if not TEXT_COLUMNS:
        return [dict(zip(names, map(number, row), strict=True)) for row in cells]
    readers = [str if name in TEXT_COLUMNS else number for name in names]
    return [
        {name: as_value(cell) for name, as_value, cell in zip(names, readers, row, strict=True)}
        for row in cells
    ]


def _columns(rows: list[list[str]], places: list[int]) -> Iterable[Sequence[str]]:
    if len(places) == 1:
        return ([row[places[0]]] for row in rows)
    return map(itemgetter(*places), rows)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _plain_number(text: str) -> float | str:
    return _number(text) if text.strip().isascii() and "_" not in text else text


def _is_row(row: list[str]) -> bool:
    """Return whether a line has a cell; a spreadsheet's empty rows have commas alone."""
    return any(map(str.strip, row)) or (len(row) > 1 and not REQUIRED)


def _check_line_ends(text: str, header: list[str]) -> None:
    """Check that a file's line ends are there.

    Raises:
        MalformedBodyError: The header goes on with the cells of the first row.
    """
    is_one_line = "\n" not in text and "\r" not in text
    names = sum(name in FEATURE_NAMES for name in header)
    if is_one_line and len(header) > len(FEATURE_NAMES) and names == len(FEATURE_NAMES) - 1:
        msg = "the body is one line: `curl -d` strips line ends; use `curl --data-binary @file.csv`"
        raise MalformedBodyError(msg)


def _header_errors(header: list[str], *, strict: bool) -> Iterator[Mapping[str, Any]]:
    if len(header) > MOST_NAMES:
        message = f"{len(header):,} columns; at most {MOST_NAMES:,} are read"
        yield {"field": "header", "message": message}
        return
    times = Counter(header)
    for name in REQUIRED:
        if name not in times:
            yield {"field": name, "message": "the header lacks this column"}
    for name, count in times.items():
        shown = name[:_SHOWN_CHARACTERS]
        if not name:  # an index that pandas or R wrote, or commas at the ends of lines
            continue
        if count > 1:
            yield {"field": shown, "message": f"the header has this column {count} times"}
        elif strict and name not in FEATURE_NAMES:
            yield {"field": shown, "message": "this column is not known"}


def _check_widths(rows: list[list[str]], width: int) -> None:
    errors = [
        {
            "field": f"{PLACE}.{index}",
            "message": f"the row has {len(row)} cells, the header {width}",
            "row": index + 1,
        }
        for index, row in enumerate(rows)
        if len(row) != width
    ]
    if errors:
        raise InvalidFieldsError(errors)
