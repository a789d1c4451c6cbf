"""The fast reading of an upload's lines: whole blocks at once, and only what is beyond doubt.

A block is plain where every quoted field stands in one line and has no quote or delimiter inside;
a line of it is vouched for where it has the header's number of fields and each wanted one is a
decimal number within its range. All other lines, and all other blocks, are for the exact reading.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retrain.training.dataset.rows import Values
from retrain.training.upload.blocks import MOST_FIELDS
from retrain.training.upload.canonical import canonical, outside
from retrain.training.upload.exact_reading import Line, Place, is_blank
from retrain.training.upload.header import Header
from retrain.training.upload.plain_cells import Cells, Indices, cells_of, ends_of

_QUOTE = b'"'[0]
_FEW_BYTES = 1 << 16
_NUMBER = r"^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?$"


@dataclass(frozen=True, slots=True)
class PlainLines:
    """The lines of a plain block, and the values of those that are vouched for."""

    text: bytes
    starts: Indices
    ends: Indices
    vouched: Indices
    """Which lines are vouched for, ascending."""
    values: Values
    """Their canonical values."""
    blank: Indices
    """Which lines are blank, ascending, where many may be; others are left to be looked at."""

    def others(self, delimiter: str, place: Place) -> Iterator[tuple[int, Line]]:
        """Yield the rows that are neither vouched for nor blank, each with the index of its line.

        Args:
            delimiter: What separates fields.
            place: Where the block begins; moved to its end.
        """
        is_left = np.ones(len(self.starts), dtype=bool)
        is_left[self.vouched] = is_left[self.blank] = False
        left = np.flatnonzero(is_left)
        blank_before = np.searchsorted(self.blank, left)
        places = (left, self.starts[left], self.ends[left], blank_before)
        more_blank = 0
        for index, start, end, blank in zip(*(one.tolist() for one in places), strict=True):
            fields = self.text[start:end].decode().rstrip(delimiter).split(delimiter)
            if is_blank(fields):
                more_blank += 1
            else:
                number = index + 1
                row = place.row + number - blank - more_blank
                yield index, Line(row, place.line + number, fields)
        blank = len(self.blank) + more_blank
        place.row += len(self.starts) - blank
        place.line += len(self.starts)
        place.blank += blank


def read_plain(block: bytes, header: Header) -> PlainLines | None:
    """Read a block of whole lines of UTF-8, or return None where it is not plain."""
    text = _plain_text(block, header.delimiter)
    if text is None:
        return None
    ends = ends_of(text, header.delimiter)
    if len(ends) > MOST_FIELDS:  # a line of endless fields: arrays of them would take long, too
        return None
    cells = cells_of(text, ends, header)
    if np.diff(cells.offsets).max() > csv.field_size_limit():
        return None
    numbers = _numbers(cells)
    if numbers is None:
        return None
    lines, wanted = cells.rows(numbers)
    values = canonical(header, wanted)
    is_good = cells.are_lines_of_numbers()[lines]
    is_good[outside(values)] = False
    vouched = lines[is_good]
    others = len(text) - int((cells.line_ends - cells.line_starts)[vouched].sum())
    blank = cells.blank_lines() if others > _FEW_BYTES else lines[:0]
    return PlainLines(text, cells.line_starts, cells.line_ends, vouched, values[is_good], blank)


def _plain_text(block: bytes, delimiter: str) -> bytes | None:
    """Return a block's text without quotes, its lines ended by line feeds."""
    if block.startswith("\ufeff".encode()):  # belongs to a cell, except at the file's beginning
        return None
    text = block
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not text.endswith(b"\n"):
        text += b"\n"
    if b'"' not in text:
        return text
    quotes = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == _QUOTE)
    if len(quotes) % 2:
        return None
    cell_ends = ends_of(text, delimiter)
    opening, closing = quotes[::2], quotes[1::2]
    cells = np.searchsorted(cell_ends, opening)
    starts = np.where(cells > 0, cell_ends[cells - 1] + 1, 0)
    if (opening != starts).any() or (closing != cell_ends[cells] - 1).any():
        return None
    return text.translate(None, b'"')


def _numbers(cells: Cells) -> Values | None:
    """Return the cells as numbers, and note which are none; None where in doubt."""
    try:
        return _cast(cells.array())
    except pa.ArrowInvalid:
        matches = pc.match_substring_regex(cells.array(), _NUMBER).fill_null(False)  # noqa: FBT003
        cells.is_number &= matches.to_numpy(zero_copy_only=False)
        try:
            return _cast(cells.array())
        except pa.ArrowInvalid:
            return None


def _cast(array: pa.StringArray) -> Values:
    numbers: Values = np.frombuffer(
        pc.cast(array, pa.float64()).buffers()[1], dtype=np.float64, count=len(array)
    )
    return numbers
