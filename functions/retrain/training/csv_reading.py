"""Reading an upload: its header, and its lines of text.

The standard library's reader, not pandas': pandas takes a surplus first field for an index, drops
lines with surplus fields without a word and knows no line numbers.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from housing.schema import CANONICAL_HEADER, CENSUS_COLUMN_OF, CENSUS_HEADER
from retrain.training.errors import UploadRejectedError

_SHOWN_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Header:
    """A file's first line, and where the columns that are wanted stand in it."""

    names: tuple[str, ...]
    column_of: Mapping[str, str]
    """The file's own name of each canonical column, in canonical order."""
    is_census: bool

    @property
    def ignored(self) -> tuple[str, ...]:
        """Columns that nobody asked for."""
        wanted = set(self.column_of.values())
        return tuple(name for name in self.names if name not in wanted)


@dataclass(frozen=True, slots=True)
class Line:
    """A data row: its number, the number of its last line in the file, and its fields."""

    row: int
    line: int
    fields: list[str]


def read_csv(content: bytes) -> tuple[Header, Iterator[Line]]:
    """Return the header of a CSV and its data rows, which are read as they are asked for.

    Raises:
        UploadRejectedError: The content is no CSV with a known header; the iterator raises it
            too, where it meets what is not CSV.
    """
    if not content.strip():
        msg = "the file is empty"
        raise UploadRejectedError(msg)
    if b"\0" in content:
        msg = "the file is binary, not CSV text in UTF-8"
        raise UploadRejectedError(msg)
    lines = _lines(content)
    first = next(lines, None)
    if first is None:
        msg = "the file is empty"
        raise UploadRejectedError(msg)
    return _header(first.fields), lines


def _lines(content: bytes) -> Iterator[Line]:
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    reader = csv.reader(text, strict=True)
    row = 0
    try:
        for fields in reader:
            if len(fields) > 1 or (fields and fields[0].strip()):
                yield Line(row, reader.line_num, fields)
                row += 1
    except UnicodeDecodeError as exc:
        msg = f"the file is not text in UTF-8 (after line {reader.line_num})"
        raise UploadRejectedError(msg) from exc
    except csv.Error as exc:
        msg = f"the file is not CSV (line {reader.line_num}: {exc})"
        raise UploadRejectedError(msg) from exc


def _header(fields: list[str]) -> Header:
    names = tuple(name.strip() for name in fields)
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
    return Header(names, column_of, is_census)


def _found(names: tuple[str, ...], header: tuple[str, ...]) -> int:
    return len(set(names) & set(header))


def _shown(fields: list[str]) -> str:
    text = " ".join(",".join(fields).split())
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _accepted() -> str:
    return (
        f"accepted, separated by commas and in any order, are: {', '.join(CANONICAL_HEADER)}; "
        f"or: {', '.join(CENSUS_HEADER)}"
    )
