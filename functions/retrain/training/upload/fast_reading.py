"""Fast path: parse whole blocks at once, and accept only unambiguous lines.

A block is plain if every quoted field is on one line and has no quote or delimiter inside; a line
of it is accepted if it has the header's number of fields and each required one is a decimal number
within its range, a known text of a category or boolean, or blank where it may be. All other lines
and blocks are left to the exact reader.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from housing.schema import CANONICAL_COLUMNS
from housing.subject import Column
from housing.texts import texts_of
from retrain.training.dataset.rows import Values
from retrain.training.upload.exact_reading import MOST_FIELDS, Dialect, Line, Place
from retrain.training.upload.header import MAY_LACK, NUMERIC, Header, canonical, outside

_LINE_FEED, _SPACE, _TAB = b"\n \t"
_FIRST, _LAST = np.uint8(b"+"[0]), np.uint8(b"9"[0])  # between them: , - . / and the digits
_EXPONENT, _LOWER_CASE = np.uint8(b"e"[0]), np.uint8(0x20)

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(slots=True)
class Cells:
    """Cells of a block, line by line."""

    positions: tuple[int, ...]
    """Positions of the required cells in a line."""
    width: int
    """Number of cells a line must have."""
    line_starts: Indices
    line_ends: Indices
    last_cells: Indices
    """The last cell of each line."""
    counts: Indices
    """The number of its cells."""
    offsets: NDArray[np.int32]
    characters: bytes
    is_number: Mask
    """Mask of required cells that may be numbers."""
    numeric: tuple[int, ...] = ()
    """Positions of the required cells that have to be numbers."""
    may_lack: tuple[int, ...] = ()
    """Positions of those of them that may be blank."""

    @property
    def first_cells(self) -> Indices:
        """The first cell of each line."""
        return self.last_cells - self.counts + 1

    def array(self) -> pa.StringArray:
        """Return the cells as strings; null where they are not numbers."""
        valid = None
        if not self.is_number.all():
            valid = pa.py_buffer(np.packbits(self.is_number, bitorder="little"))
        buffers = pa.py_buffer(self.offsets), pa.py_buffer(self.characters)
        return pa.StringArray.from_buffers(len(self.is_number), *buffers, valid)

    def texts(self) -> pa.StringArray:
        """Return all cells as strings."""
        buffers = pa.py_buffer(self.offsets), pa.py_buffer(self.characters)
        return pa.StringArray.from_buffers(len(self.is_number), *buffers)

    def are_lines_of_numbers(self) -> Mask:
        """Return the mask of lines with the header's width and the numbers that they need."""
        is_good: Mask = self.counts == self.width
        others = np.flatnonzero(~self.is_number)
        lines = np.searchsorted(self.last_cells, others)
        columns = others - self.first_cells[lines]
        is_bad = np.isin(columns, self.numeric)
        if self.may_lack:
            is_blank = self.offsets[others] == self.offsets[others + 1]
            is_bad &= ~(is_blank & np.isin(columns, self.may_lack))
        is_good[lines[is_bad]] = False
        return is_good

    def blank_lines(self) -> Indices:
        """Return the indices of lines whose cells are empty, spaces or tabs."""
        begin, end = self.offsets[self.first_cells], self.offsets[self.last_cells + 1]
        is_blank: Mask = begin == end
        others = np.flatnonzero(~is_blank)
        if len(others):
            characters = np.frombuffer(self.characters, dtype=np.uint8)
            is_space = (characters == _SPACE) | (characters == _TAB)
            is_blank[others] = np.logical_and.reduceat(is_space, begin[others])
        return np.flatnonzero(is_blank)

    def rows(self, numbers: Values) -> tuple[Indices, Values]:
        """Return the lines with the header's width and their required numbers, ``[n, required]``.

        The value of a cell that is not a number is undefined.
        """
        lines = np.flatnonzero(self.counts == self.width)
        if len(lines) < len(self.counts):
            first_cells = self.first_cells[lines]
            return lines, numbers[first_cells[:, None] + np.array(self.positions)]
        table = numbers.reshape(-1, self.width)
        is_as_wanted = self.positions == tuple(range(self.width))
        return lines, table if is_as_wanted else table[:, self.positions]


def cells_of(text: bytes, ends: Indices, header: Header) -> Cells:
    """Split lines without quotes into cells, given the ends of the cells."""
    last_cells = np.flatnonzero(np.frombuffer(text, dtype=np.uint8)[ends] == _LINE_FEED)
    line_ends = ends[last_cells]
    line_starts = np.concatenate([[0], line_ends[:-1] + 1])
    offsets = np.zeros(len(ends) + 1, dtype=np.int32)
    np.subtract(ends, np.arange(len(ends)), out=offsets[1:], casting="unsafe")
    characters = text.translate(None, header.delimiter.encode() + b"\n")
    counts = np.diff(last_cells, prepend=-1)
    positions, width = header.positions, len(header.names)
    are_numbers = NUMERIC[: len(positions)]
    cells = Cells(
        positions,
        width,
        line_starts,
        line_ends,
        last_cells,
        counts,
        offsets,
        characters,
        np.empty(0, dtype=bool),
        numeric=tuple(np.array(positions)[list(are_numbers)].tolist()),
    )
    lacking = zip(positions, are_numbers, MAY_LACK[: len(positions)], strict=True)
    cells.may_lack = tuple(at for at, is_number, may in lacking if is_number and may)
    if _has_spaces(text, cells, header.delimiter):
        _trim(cells)
    cells.is_number = _could_be_numbers(cells)
    return cells


def ends_of(text: bytes, delimiter: str) -> Indices:
    """Return the positions at which a text's cells end."""
    characters = np.frombuffer(text, dtype=np.uint8)
    return np.flatnonzero((characters == ord(delimiter)) | (characters == _LINE_FEED))


def _has_spaces(text: bytes, cells: Cells, delimiter: str) -> bool:
    """Return whether the first complete line has spaces in its required cells."""
    line = int(np.argmax(cells.counts == cells.width))
    fields = text[cells.line_starts[line] : cells.line_ends[line]].split(delimiter.encode())
    wanted = [fields[at] for at in cells.positions if at < len(fields)]
    return any(field != field.strip(b" ") for field in wanted)


def _trim(cells: Cells) -> None:
    buffers = pa.py_buffer(cells.offsets), pa.py_buffer(cells.characters)
    count = len(cells.offsets) - 1
    trimmed = pc.ascii_trim(pa.StringArray.from_buffers(count, *buffers), " ")
    cells.offsets = np.frombuffer(trimmed.buffers()[1], dtype=np.int32)[: count + 1]
    cells.characters = trimmed.buffers()[2].to_pybytes()


def _could_be_numbers(cells: Cells) -> Mask:
    """Return the mask of required cells that are not empty and have only characters of numbers.

    A stray ``,`` or ``/`` passes: the conversion rejects it.
    """
    characters = np.frombuffer(cells.characters, dtype=np.uint8)
    odd = np.flatnonzero(characters - _FIRST > _LAST - _FIRST)
    odd = odd[(characters[odd] | _LOWER_CASE) != _EXPONENT]
    may_be_number = cells.offsets[1:] > cells.offsets[:-1]
    may_be_number[np.searchsorted(cells.offsets, odd, side="right") - 1] = False
    if len(cells.numeric) < cells.width:
        columns = np.arange(len(may_be_number)) - np.repeat(cells.first_cells, cells.counts)
        is_wanted = np.zeros(cells.width + 1, dtype=bool)
        is_wanted[list(cells.numeric)] = True
        may_be_number &= is_wanted[np.minimum(columns, cells.width)]
    return may_be_number


def _fill_texts(cells: Cells, lines: Indices, wanted: Values, decimal: str) -> Mask:
    """Write the values of texts and of blank cells; return the mask of lines with known ones."""
    is_known = np.ones(len(lines), dtype=bool)
    texts, first_cells = cells.texts(), cells.first_cells[lines]
    columns = CANONICAL_COLUMNS[: len(cells.positions)]
    for number, (column, at) in enumerate(zip(columns, cells.positions, strict=True)):
        places = first_cells + at
        is_blank = cells.offsets[places] == cells.offsets[places + 1]
        if column.kind in {"category", "boolean"}:
            some = texts.take(pa.array(places))
            codes = _codes(some, column, decimal)
            is_known &= ~np.isnan(codes) | (is_blank & column.optional)
            wanted[:, number] = codes
        elif column.optional:
            wanted[is_blank, number] = np.nan
    return is_known


def _codes(texts: pa.StringArray, column: Column, decimal: str) -> Values:
    """Return the values of texts, NaN for others."""
    known = texts_of(column)
    names = list(known)
    if decimal == ",":  # points and commas of the block are swapped
        names = [name.translate(str.maketrans(".,", ",.")) for name in names]
    if column.kind == "boolean":
        texts = pc.ascii_lower(texts)
    at = pc.index_in(texts, value_set=pa.array(names, pa.string())).fill_null(len(names))
    values = np.array([*known.values(), np.nan])
    codes: Values = values[at.to_numpy(zero_copy_only=False)]
    return codes


_QUOTE = b'"'[0]
_LINE_ENDS = b"\r\n"
_LEAST_PLAIN_LINES = 20
_FEW_QUOTES = 1_000
_MOST_CUTS = 64
"""A block with more awkward places is read exactly as a whole."""
_FEW_BYTES = 1 << 16
_SWAPPED = bytes.maketrans(b".,", b",.")
_NUMBER = r"^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?$"


@dataclass(frozen=True, slots=True)
class PlainLines:
    """The lines of a plain block, and the values of the accepted ones."""

    text: bytes
    starts: Indices
    ends: Indices
    vouched: Indices
    """Indices of the accepted lines, ascending."""
    values: Values
    """Canonical values of the accepted lines."""
    blank: Indices
    """Indices of blank lines, ascending, in blocks that may have many."""

    def others(self, dialect: Dialect, place: Place) -> Iterator[tuple[int, Line]]:
        """Yield the lines that are neither accepted nor blank, each with its index.

        Args:
            dialect: How the file's fields are separated.
            place: Start of the block; moved to its end.
        """
        is_left = np.ones(len(self.starts), dtype=bool)
        is_left[self.vouched] = is_left[self.blank] = False
        left = np.flatnonzero(is_left)
        blank_before = np.searchsorted(self.blank, left)
        places = (left, self.starts[left], self.ends[left], blank_before)
        more_blank = 0
        for index, start, end, blank in zip(*(one.tolist() for one in places), strict=True):
            fields = dialect.fields(self.text[start:end].decode())
            if not dialect.is_row(fields):
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
    """Read a block of whole lines of UTF-8, or return None if it is not plain."""
    if header.decimal == header.delimiter:  # then numbers are in quotes
        return None
    text = _plain_text(block, header.delimiter)
    if text is None:
        return None
    ends = ends_of(text, header.delimiter)
    if len(ends) > MOST_FIELDS:  # a line with too many fields for arrays
        return None
    cells = cells_of(text.translate(_SWAPPED) if header.decimal == "," else text, ends, header)
    if np.diff(cells.offsets).max() > csv.field_size_limit():
        return None
    numbers = _numbers(cells)
    if numbers is None:
        return None
    lines, wanted = cells.rows(numbers)
    is_good = cells.are_lines_of_numbers()[lines]
    if not all(NUMERIC[: len(cells.positions)]) or cells.may_lack:
        wanted = wanted.copy()
        is_good &= _fill_texts(cells, lines, wanted, header.decimal)
    values = canonical(header, wanted)
    is_good[outside(values)] = False
    vouched = lines[is_good]
    others = len(text) - int((cells.line_ends - cells.line_starts)[vouched].sum())
    blank = cells.blank_lines() if others > _FEW_BYTES else lines[:0]
    return PlainLines(text, cells.line_starts, cells.line_ends, vouched, values[is_good], blank)


def read_pieces(block: bytes, header: Header) -> list[tuple[bytes, PlainLines | None]]:
    """Read a block as ``read_plain`` does; if it is not plain, cut it around the lines at fault.

    A block may be cut at any line end: the exact reader takes following pieces where it needs them.
    """
    plain = read_plain(block, header)
    if plain is not None or header.decimal == header.delimiter:
        return [(block, plain)]
    return [(piece, read_plain(piece, header)) for piece in _cut(block, header.delimiter)]


def _cut(block: bytes, delimiter: str) -> list[bytes]:
    """Cut a block before and after each few lines whose quotes are not around whole cells."""
    characters = np.frombuffer(block, dtype=np.uint8)
    quotes = np.flatnonzero(characters == _QUOTE)
    ends = np.flatnonzero(characters == _LINE_FEED)
    if not len(quotes) or not len(ends):
        return [block]
    lines = np.searchsorted(ends, quotes)
    is_odd = np.bincount(lines, minlength=len(ends) + 1) % 2 == 1
    is_awkward = is_odd.copy()
    is_awkward[lines[~_are_around_cells(block, quotes, lines, delimiter)]] = True
    # A quote that a line leaves open is closed in the next line with an odd number of them.
    is_within = np.cumsum(is_odd) % 2 == 1
    awkward = np.flatnonzero(is_awkward | is_within)
    gaps = np.flatnonzero(np.diff(awkward) > _LEAST_PLAIN_LINES)
    if not len(awkward) or len(gaps) >= _MOST_CUTS:
        return [block]
    firsts = awkward[np.concatenate([[0], gaps + 1])]
    lasts = awkward[np.concatenate([gaps, [len(awkward) - 1]])]
    starts = np.concatenate([[0], ends + 1, [len(block)]])
    places = np.stack([starts[firsts], starts[lasts + 1]]).T.ravel().tolist()
    bounds = [0, *places, len(block)]
    return [block[begin:end] for begin, end in pairwise(bounds) if begin < end]


def _are_around_cells(block: bytes, quotes: Indices, lines: Indices, delimiter: str) -> Mask:
    """Return the mask of quotes that begin or end a cell of their line, taken in pairs."""
    characters = np.frombuffer(block, dtype=np.uint8)
    before = characters[quotes - 1]
    after = characters[np.minimum(quotes + 1, len(characters) - 1)]
    first_of_line = np.searchsorted(lines, lines)
    is_opening = (np.arange(len(quotes)) - first_of_line) % 2 == 0
    partners = np.clip(np.arange(len(quotes)) + np.where(is_opening, 1, -1), 0, len(quotes) - 1)
    is_begin = np.isin(before, [ord(delimiter), *_LINE_ENDS]) | (quotes == 0)
    is_end = np.isin(after, [ord(delimiter), *_LINE_ENDS]) | (quotes == len(characters) - 1)
    begins, closes = np.minimum(quotes, quotes[partners]), np.maximum(quotes, quotes[partners])
    is_alone: Mask = np.where(is_opening, is_begin, is_end)
    return is_alone & _are_within_cells(block, begins, closes, delimiter)


def _plain_text(block: bytes, delimiter: str) -> bytes | None:
    """Return a block's text without quotes, with line feeds as line ends; None if not plain."""
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
    characters = np.frombuffer(text, dtype=np.uint8)
    opening, closing = quotes[::2], quotes[1::2]
    bounds = [ord(delimiter), _LINE_FEED]
    is_begin = np.isin(characters[opening - 1], bounds)
    is_begin[:1] |= opening[:1] == 0
    if not is_begin.all() or not np.isin(characters[closing + 1], bounds).all():
        return None
    if not _are_within_cells(text, opening, closing, delimiter).all():
        return None
    return text.translate(None, b'"')


def _are_within_cells(text: bytes, begins: Indices, ends: Indices, delimiter: str) -> Mask:
    """Return the mask of spans of text without a delimiter or line feed."""
    if len(begins) > _FEW_QUOTES:
        cell_ends = ends_of(text, delimiter)
        is_within: Mask = np.searchsorted(cell_ends, begins) == np.searchsorted(cell_ends, ends)
        return is_within
    marks = re.compile(f"[\n{re.escape(delimiter)}]".encode())
    spans = zip(begins.tolist(), ends.tolist(), strict=True)
    return np.array([marks.search(text, begin, end) is None for begin, end in spans], dtype=bool)


def _numbers(cells: Cells) -> Values | None:
    """Return the cells as numbers and clear the mask of invalid ones; None if in doubt."""
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
