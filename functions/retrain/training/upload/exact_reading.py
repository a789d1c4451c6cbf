"""The exact reading of an upload's lines: what it says is so, and takes its time.

The standard library's reader, not pandas': pandas takes a surplus first field for an index, drops
lines with surplus fields without a word and knows no line numbers.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from retrain.training.errors import UploadRejectedError
from retrain.training.upload.blocks import LONGEST_LINE_BYTES, check_text
from retrain.training.upload.limits import Bounds

_NOT_IN_TEXT = "\0"


class Line(NamedTuple):
    """A data row: its number, the number of its last line in the file, and its fields.

    Empty fields at its end are left out: spreadsheets write thousands, and they say nothing.
    """

    row: int
    line: int
    fields: list[str]


@dataclass(slots=True)
class Place:
    """How many rows, lines and blank lines of a file have been read; row 0 is the header."""

    row: int = 0
    line: int = 0
    blank: int = 0


def is_blank(fields: list[str]) -> bool:
    """Whether a line is no row: nothing in it but delimiters, quotes and white space."""
    return not (fields and fields[0].strip()) and not "".join(fields).strip()


def read_lines(
    block: bytes, following: Iterator[bytes], delimiter: str, place: Place, bounds: Bounds
) -> Iterator[Line]:
    """Yield a block's rows; a field that is still open at its end takes the following blocks too.

    Args:
        block: Whole lines.
        following: The blocks after it; taken from where a quoted field does not end before.
        delimiter: What separates fields.
        place: Where the block begins; moved on.
        bounds: How much of the file is read.

    Raises:
        UploadRejectedError: The lines are not CSV, a row has over 512 KiB, or too many are blank.
    """
    lines = _Lines(block, following, place.line)
    reader = csv.reader(lines, strict=True, delimiter=delimiter)
    first = place.line
    try:
        for fields in reader:
            place.line = first + reader.line_num
            if is_blank(fields):
                place.blank += 1
                bounds.check_lines(place.row, place.blank)
            else:
                place.row += 1
                yield Line(place.row, place.line, _without_empty_end(fields))
            if lines.are_all_read:
                return
            lines.of_record = 0
    except csv.Error as exc:
        msg = f"the file is not CSV (line {first + reader.line_num}: {exc})"
        raise UploadRejectedError(msg) from exc


def _without_empty_end(fields: list[str]) -> list[str]:
    if fields[-1]:
        return fields
    text = _NOT_IN_TEXT.join(fields)
    return fields[: len(text.rstrip(_NOT_IN_TEXT)) - len(text)]


class _Lines:
    """The lines of a block and, when more are asked for, of those that follow."""

    def __init__(self, block: bytes, following: Iterator[bytes], lines_before: int) -> None:
        self._following = following
        self._lines_before = lines_before
        self.of_record = 0
        """Characters of the record that is being read."""
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
        line = self._lines[self._read]
        self._read += 1
        self.of_record += len(line)
        if self.of_record > LONGEST_LINE_BYTES:
            msg = (
                f"the file has a row of over {LONGEST_LINE_BYTES:,} characters, which ends in line "
                f"{self._lines_before + self._read} or later"
            )
            raise UploadRejectedError(msg)
        return line
