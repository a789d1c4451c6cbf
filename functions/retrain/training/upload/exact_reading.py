"""Slow path: exact CSV parsing with line numbers.

It uses the standard library's reader, not pandas: pandas takes a surplus first field for an index,
silently drops lines with surplus fields and has no line numbers.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from retrain.training.errors import UploadRejectedError
from retrain.training.upload.limits import Bounds

BLOCK_BYTES = 1 << 20
LONGEST_LINE_BYTES = 1 << 19
_MOST_LINES = 1 << 16
MOST_FIELDS = 1 << 18
"""Bound on an array over a block's fields: some megabytes. Usual blocks have two thirds of it."""
_LINE_FEED, _LAST_MARK = b"\n,"
_BYTE_ORDER_MARK = "\ufeff".encode()


class Readable(Protocol):
    """A readable binary stream."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, empty at the end."""
        ...


def blocks_of(stream: Readable) -> Iterator[bytes]:
    """Yield a stream in blocks of whole lines, without its byte order mark.

    Raises:
        UploadRejectedError: It is binary, or has a line of over 512 KiB.
    """
    for number, block in enumerate(_whole_lines(stream)):
        yield from _pieces(block if number else block.removeprefix(_BYTE_ORDER_MARK))


def check_text(block: bytes, lines_before: int) -> None:
    """Check that a block is UTF-8.

    Raises:
        UploadRejectedError: It is not text in UTF-8.
    """
    if block.isascii():
        return
    try:
        block.decode()
    except UnicodeDecodeError as exc:
        line = lines_before + count_lines(block[: exc.start]) + 1
        msg = f"the file is not text in UTF-8 (line {line})"
        raise UploadRejectedError(msg) from exc


def count_lines(block: bytes) -> int:
    """Count the line ends of a block: line feeds, carriage returns, and both as one."""
    return block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")


def _whole_lines(stream: Readable) -> Iterator[bytes]:
    rest = b""
    while piece := stream.read(BLOCK_BYTES):
        if b"\0" in piece:
            msg = "the file is binary, not CSV text in UTF-8"
            raise UploadRejectedError(msg)
        rest += piece
        cut = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, -1)) + 1
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
        if len(rest) > LONGEST_LINE_BYTES:
            msg = f"the file has a line of over {LONGEST_LINE_BYTES:,} bytes"
            raise UploadRejectedError(msg)
    if rest:
        yield rest


def _pieces(block: bytes) -> Iterator[bytes]:
    """Halve a block between lines until no piece has too many lines or fields."""
    cut = 0 if _is_light(block) else _end_of_line(block, len(block) // 2)
    if cut:
        yield from _pieces(block[:cut])
        yield from _pieces(block[cut:])
    else:
        yield block


def _is_light(block: bytes) -> bool:
    characters = np.frombuffer(block, np.uint8)
    # Commas, tabs and line ends, and with them spaces and quotes: a few too many, in one run.
    marks = np.count_nonzero(characters <= _LAST_MARK) + _count(block, b";")
    ends = np.count_nonzero(characters == _LINE_FEED) + _count(block, b"\r")
    return bool(marks <= MOST_FIELDS and ends <= _MOST_LINES)


def _count(block: bytes, rare: bytes) -> int:
    """Count a character that is absent in most files."""
    if rare not in block:
        return 0
    return int(np.count_nonzero(np.frombuffer(block, np.uint8) == ord(rare)))


def _end_of_line(block: bytes, near: int) -> int:
    """Return the end of a line near a position, not of the last one; 0 if there is no other."""
    before, after = block.rfind(b"\n", 0, near), block.find(b"\n", near, -1)
    if before >= 0 or after >= 0:
        return max(before, after) + 1
    end = block.rfind(b"\r", 0, near) + 1
    return 0 if block[end : end + 1] == b"\n" else end


_NOT_IN_TEXT = "\0"


class Line(NamedTuple):
    """A data row: its number, the number of its last line in the file, and its fields.

    Empty fields at its end are left out: spreadsheets write thousands of them.
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
    """Return whether a line is blank: only delimiters, quotes and white space."""
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
    """Iterates over the lines of a block, then of the following blocks."""

    def __init__(self, block: bytes, following: Iterator[bytes], lines_before: int) -> None:
        self._following = following
        self._lines_before = lines_before
        self.of_record = 0
        """Number of characters of the current record."""
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
