"""The exact reading of an upload's lines: what it says is so, and takes its time.

The standard library's reader, not pandas': pandas takes a surplus first field for an index, drops
lines with surplus fields without a word and knows no line numbers.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from retrain.training.errors import UploadRejectedError
from retrain.training.upload.blocks import check_text


@dataclass(frozen=True, slots=True)
class Line:
    """A data row: its number, the number of its last line in the file, and its fields."""

    row: int
    line: int
    fields: list[str]


@dataclass(slots=True)
class Place:
    """How many rows and lines of a file have been read; row 0 is the header."""

    row: int
    line: int


def is_blank(fields: list[str]) -> bool:
    """Whether a line is no row: nothing in it, or nothing but white space."""
    return not fields or (len(fields) == 1 and not fields[0].strip())


def read_lines(
    block: bytes, following: Iterator[bytes], delimiter: str, place: Place
) -> Iterator[Line]:
    """Yield a block's rows; a field that is still open at its end takes the following blocks too.

    Args:
        block: Whole lines.
        following: The blocks after it; taken from where a quoted field does not end before.
        delimiter: What separates fields.
        place: Where the block begins; moved on.

    Raises:
        UploadRejectedError: The lines are not CSV.
    """
    lines = _Lines(block, following, place.line)
    reader = csv.reader(lines, strict=True, delimiter=delimiter)
    first = place.line
    try:
        for fields in reader:
            place.line = first + reader.line_num
            if not is_blank(fields):
                place.row += 1
                yield Line(place.row, place.line, fields)
            if lines.are_all_read:
                return
    except csv.Error as exc:
        msg = f"the file is not CSV (line {first + reader.line_num}: {exc})"
        raise UploadRejectedError(msg) from exc


class _Lines:
    """The lines of a block and, when more are asked for, of those that follow."""

    def __init__(self, block: bytes, following: Iterator[bytes], lines_before: int) -> None:
        self._following = following
        self._lines_before = lines_before
        self._open(block)

    def _open(self, block: bytes) -> None:
        check_text(block, self._lines_before)
        self._lines = io.StringIO(block.decode(), newline="").readlines()
        self._read = 0

    @property
    def are_all_read(self) -> bool:
        return self._read == len(self._lines)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.are_all_read:
            self._lines_before += self._read
            self._open(next(self._following))
        self._read += 1
        return self._lines[self._read - 1]
