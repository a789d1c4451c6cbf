"""Slow path: exact CSV parsing with line numbers.

It uses the standard library's reader, not pandas: pandas takes a surplus first field for an index,
silently drops lines with surplus fields and has no line numbers.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from retrain.training.errors import UploadRejectedError
from retrain.training.upload.encoding import Readable, Utf8Stream, as_utf8
from retrain.training.upload.limits import Bounds

BLOCK_BYTES = 1 << 20
LONGEST_LINE_BYTES = 1 << 19
_MOST_LINES = 1 << 16
MOST_FIELDS = 1 << 18
"""Bound on an array over a block's fields: some megabytes. Usual blocks have two thirds of it."""
_LINE_FEED, _LAST_MARK = b"\n,"
_END_OF_FILE = b"\x1a"
"""Ctrl-Z, which old programs write at a file's end."""
_INVISIBLE = "\x1a\ufeff\u200b"


def blocks_of(stream: Readable, remarks: list[str]) -> Iterator[bytes]:
    """Yield a stream in blocks of whole lines, as UTF-8 without its byte order mark.

    Args:
        stream: Text in any of the encodings that spreadsheets write.
        remarks: List to which the encoding is added if it is not UTF-8.

    Raises:
        UploadRejectedError: It is binary, or has a line of over 512 KiB.
    """
    for block in _whole_lines(Utf8Stream(stream, remarks)):
        yield from _pieces(as_utf8(block, remarks))


def count_lines(block: bytes) -> int:
    """Count the line ends of a block: line feeds, carriage returns, and both as one."""
    return block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")


def _whole_lines(stream: Readable) -> Iterator[bytes]:
    rest = b""
    while piece := stream.read(BLOCK_BYTES):
        if b"\0" in piece:
            msg = "the file is binary, not CSV text"
            raise UploadRejectedError(msg)
        rest += piece
        cut = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, -1)) + 1
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
        if len(rest) > LONGEST_LINE_BYTES:
            msg = f"the file has a line of over {LONGEST_LINE_BYTES:,} bytes"
            raise UploadRejectedError(msg)
    if rest := rest.removesuffix(_END_OF_FILE):
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
    marks = np.count_nonzero(characters <= _LAST_MARK) + _count(block, b";") + _count(block, b"|")
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


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file's fields are separated, and its header's fields."""

    delimiter: str
    header: tuple[str, ...] = ()

    def is_row(self, fields: list[str]) -> bool:
        """Return whether a record is a row: neither blank nor the header once more.

        Its first field may have a byte order mark, where files were joined.
        """
        if is_blank(fields):
            return False
        if len(fields) != len(self.header) or fields[-1].strip() != self.header[-1]:
            return True
        return [field.strip() for field in fields[1:]] != [*self.header[1:]]

    def records(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Parse lines; spaces before a field are no part of it."""
        return csv.reader(lines, strict=True, skipinitialspace=True, delimiter=self.delimiter)

    def fields(self, line: str) -> list[str]:
        """Split a line without quotes as ``records`` does, without empty fields at its end."""
        return without_empty_end([one.lstrip(" ") for one in line.split(self.delimiter)])


class Line(NamedTuple):
    """A data row: its number, the number of its last line in the file, and its fields.

    Empty fields at its end are left out: spreadsheets write thousands of them.
    """

    row: int
    line: int
    fields: list[str]
    fault: str = ""
    """Why the line is not CSV; empty if it is."""

    def trimmed(self) -> "Line":
        """Return it without spaces before its fields."""
        return self._replace(fields=without_empty_end([one.lstrip(" ") for one in self.fields]))


@dataclass(slots=True)
class Place:
    """How many rows, lines and blank lines of a file have been read; row 0 is the header."""

    row: int = 0
    line: int = 0
    blank: int = 0
    """Blank lines, and repeated headers."""


def is_blank(fields: list[str]) -> bool:
    """Return whether a line is blank: only delimiters, quotes, white space and Ctrl-Z."""
    if fields and len(fields[0]) > 1 and fields[0].strip():
        return False
    return not "".join(fields).strip().strip(_INVISIBLE)


def read_lines(
    block: bytes, following: Iterator[bytes], dialect: Dialect, place: Place, bounds: Bounds
) -> Iterator[Line]:
    """Yield a block's rows; a field that is still open at its end takes the following blocks too.

    A line with malformed quotes is a row with a fault, and reading continues with the next line,
    so that no line is read over three times: a line that leaves a field open closes one that is
    open before it.

    Args:
        block: Whole lines.
        following: The blocks after it; taken from where a quoted field does not end before.
        dialect: How fields are separated.
        place: Where the block begins; moved on.
        bounds: How much of the file is read.

    Raises:
        UploadRejectedError: Too many lines are blank.
    """
    lines = _Lines(block, following)
    while not lines.are_all_read:
        records = dialect.records(lines)
        while True:
            lines.begin_record()
            try:
                fields = next(records)
            except (csv.Error, _EndlessRecordError):
                first = lines.give_back()
                place.line += 1
                place.row += 1
                yield _repaired(first, dialect, place)
                break
            place.line += lines.in_record
            fields = without_empty_end(fields)
            if dialect.is_row(fields):
                place.row += 1
                yield Line(place.row, place.line, fields)
            else:
                place.blank += 1
                bounds.check_lines(place.row, place.blank)
            if lines.are_all_read:
                return


def _repaired(line: str, dialect: Dialect, place: Place) -> Line:
    """Return a line that the reader refused: without spaces after quotes, or with its fault."""
    end = f'" +(?=[{re.escape(dialect.delimiter)}\r\n]|$)'
    try:
        (fields,) = dialect.records([re.sub(end, '"', line)])
    except (csv.Error, ValueError):
        fields = line.rstrip("\r\n").split(dialect.delimiter)
        return Line(place.row, place.line, without_empty_end(fields), _fault(line, fields))
    return Line(place.row, place.line, without_empty_end(fields))


def _fault(line: str, fields: list[str]) -> str:
    if max(map(len, fields)) > csv.field_size_limit():
        return f"it has a field of over {csv.field_size_limit():,} characters"
    if line.count('"') % 2:
        return "a quote opens in this line and is not closed"
    return "text follows a closing quote"


def without_empty_end(fields: list[str]) -> list[str]:
    """Return a record's fields without the empty ones at its end."""
    if not fields or fields[-1]:
        return fields
    text = _NOT_IN_TEXT.join(fields)
    return fields[: len(text.rstrip(_NOT_IN_TEXT)) - len(text)]


class _EndlessRecordError(Exception):
    """Raised when a quoted field goes on for too long."""


class _Lines:
    """Iterates over the lines of a block, then of the following blocks."""

    def __init__(self, block: bytes, following: Iterator[bytes]) -> None:
        self._following = following
        self._lines = _split(block)
        self._read = self._begin = 0
        self.of_record = 0
        """Number of characters of the current record."""

    @property
    def are_all_read(self) -> bool:
        return self._read == len(self._lines)

    @property
    def in_record(self) -> int:
        """Number of lines of the current record."""
        return self._read - self._begin

    def begin_record(self) -> None:
        self._begin, self.of_record = self._read, 0

    def give_back(self) -> str:
        """Return the first line of the current record; the others will be read once more."""
        self._read = self._begin + 1
        return self._lines[self._begin]

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.are_all_read:
            self._lines = self._lines[self._begin :] + _split(next(self._following))
            self._read, self._begin = self._read - self._begin, 0
        line = self._lines[self._read]
        self._read += 1
        self.of_record += len(line)
        if self.of_record > LONGEST_LINE_BYTES and self.in_record > 1:
            raise _EndlessRecordError
        return line


def _split(block: bytes) -> list[str]:
    return io.StringIO(block.decode(), newline="").readlines()
