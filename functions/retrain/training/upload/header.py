"""Parse an upload's header: column positions and delimiter."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from housing.schema import (
    CANONICAL_COLUMNS,
    CANONICAL_HEADER,
    CENSUS_COLUMN_OF,
    CENSUS_HEADER,
    from_census,
)
from retrain.training.dataset.rows import Values
from retrain.training.errors import UploadRejectedError
from retrain.training.upload.exact_reading import Place, check_text, count_lines, is_blank
from retrain.training.upload.limits import Bounds

DELIMITERS = (",", ";", "\t")
MOST_COLUMNS = 1 << 14
"""Columns of an Excel sheet."""
_SHOWN_CHARACTERS = 120
_LISTED_COLUMNS, _NAME_CHARACTERS = 20, 60
_BLANK = b" \r\n" + "".join(DELIMITERS).encode()
_KNOWN = frozenset({*CANONICAL_HEADER, *CENSUS_HEADER})


@dataclass(frozen=True, slots=True)
class Header:
    """A file's header line, and the positions of the required columns."""

    names: tuple[str, ...]
    column_of: Mapping[str, str]
    """The file's name of each canonical column, in canonical order."""
    positions: tuple[int, ...]
    """Positions of the required columns, in canonical order."""
    is_census: bool
    delimiter: str

    @property
    def listed(self) -> tuple[str, ...]:
        """The first ignored columns, their names cut, for reports and logs."""
        return tuple(name[:_NAME_CHARACTERS] for name in self.ignored[:_LISTED_COLUMNS])

    @property
    def ignored(self) -> tuple[str, ...]:
        """Columns that are not required."""
        wanted = set(self.column_of.values())
        return tuple(name for name in self.names if name not in wanted)


def read_header(blocks: Iterator[bytes], bounds: Bounds) -> tuple[Header, bytes, Place]:
    """Read the header from the first blocks of an upload.

    Returns:
        The header, the rest of its block, and the position of that rest.

    Raises:
        UploadRejectedError: The header is unknown, or there are too many columns or blank lines
            before it.
    """
    place = Place()
    for block in blocks:
        check_text(block, place.line)
        rest = _without_blank_lines(block, place)
        record = _first_record(rest, place)
        bounds.check_lines(0, place.blank)
        if record:
            fields, delimiter, size = record
            return _header(fields, delimiter), rest[size:], place
    msg = "the file is empty"
    raise UploadRejectedError(msg)


def _without_blank_lines(block: bytes, place: Place) -> bytes:
    """Remove the blank lines at the beginning of a block."""
    content = len(block) - len(block.lstrip(_BLANK))
    start = max(block.rfind(b"\n", 0, content), block.rfind(b"\r", 0, content)) + 1
    lines = count_lines(block[:start])
    place.line += lines
    place.blank += lines
    return block[start:]


def _first_record(block: bytes, place: Place) -> tuple[list[str], str, int] | None:
    """Return the first record that is not blank, its delimiter and its size in bytes."""
    first = next((line for line in _text_lines(block) if line.strip()), None)
    if first is None:
        blank = count_lines(block)
        place.line += blank
        place.blank += blank
        return None
    delimiter = max(DELIMITERS, key=lambda one: _known_names(first, one))
    taken = 0

    def lines() -> Iterator[str]:
        nonlocal taken
        for line in _text_lines(block):
            taken += len(line.encode())
            yield line

    before = place.line
    reader = csv.reader(lines(), strict=True, delimiter=delimiter)
    try:
        for fields in reader:
            place.line = before + reader.line_num
            if not is_blank(fields):
                return fields, delimiter, taken
            place.blank += 1
    except csv.Error as exc:
        msg = f"the file is not CSV (line {before + reader.line_num}: {exc})"
        raise UploadRejectedError(msg) from exc
    return None


def _text_lines(block: bytes) -> Iterator[str]:
    return iter(io.TextIOWrapper(io.BytesIO(block), encoding="utf-8", newline=""))


def _known_names(line: str, delimiter: str) -> int:
    return sum(name.strip(' \t\r\n"') in _KNOWN for name in line.split(delimiter))


def _header(fields: list[str], delimiter: str) -> Header:
    names = tuple(name.strip() for name in fields)
    if len(names) > MOST_COLUMNS:
        msg = f"the header has {len(names):,} columns; {MOST_COLUMNS:,} is the limit"
        raise UploadRejectedError(msg)
    is_census = _found(names, CENSUS_HEADER) > _found(names, CANONICAL_HEADER)
    column_of = CENSUS_COLUMN_OF if is_census else {name: name for name in CANONICAL_HEADER}
    wanted = CENSUS_HEADER if is_census else CANONICAL_HEADER
    missing = [name for name in wanted if name not in names]
    if len(missing) == len(wanted):
        msg = f"no known header, the first line is '{_shown(fields)}'; {_accepted()}"
        raise UploadRejectedError(msg)
    if missing:
        msg = f"missing column{'s' * (len(missing) > 1)} {', '.join(missing)}; {_accepted()}"
        raise UploadRejectedError(msg)
    repeated = [name for name, count in Counter(names).items() if count > 1 and name in wanted]
    if repeated:
        msg = f"column {', '.join(repeated)} appears more than once"
        raise UploadRejectedError(msg)
    positions = tuple(names.index(name) for name in column_of.values())
    return Header(names, column_of, positions, is_census, delimiter)


def _found(names: tuple[str, ...], header: tuple[str, ...]) -> int:
    return len(set(names) & set(header))


def _shown(fields: list[str]) -> str:
    text = " ".join(",".join(fields).split())
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _accepted() -> str:
    return (
        "accepted, separated by commas, semicolons or tabs and in any order, are: "
        f"{', '.join(CANONICAL_HEADER)}; or: {', '.join(CENSUS_HEADER)}"
    )


MINIMA = np.array([column.minimum for column in CANONICAL_COLUMNS])
MAXIMA = np.array([column.maximum for column in CANONICAL_COLUMNS])


def canonical(header: Header, numbers: Values) -> Values:
    """Convert a file's required columns to canonical rows, ``[n, 9]``."""
    if not header.is_census:
        return numbers
    names = header.column_of.values()
    with np.errstate(all="ignore"):
        columns = from_census(dict(zip(names, numbers.T, strict=True)))
    return np.column_stack([columns[column.name] for column in CANONICAL_COLUMNS])


def outside(values: Values) -> NDArray[np.int64]:
    """Return the indices of rows with a value out of range, ascending."""
    flat = np.ascontiguousarray(values).ravel()  # one long run is quickest
    is_inside = (flat >= np.tile(MINIMA, len(values))) & (flat <= np.tile(MAXIMA, len(values)))
    return np.unique(np.flatnonzero(~is_inside) // len(MINIMA))
