"""Parse an upload's header: column positions and dialect."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from housing.schema import CANONICAL_COLUMNS, CANONICAL_HEADER, FEATURE_NAMES, HEADERS, TARGET
from housing.subject import Column, OtherHeader
from retrain.training.dataset.rows import Values
from retrain.training.errors import UploadRejectedError
from retrain.training.upload.exact_reading import (
    Dialect,
    Place,
    count_lines,
    is_blank,
    without_empty_end,
)
from retrain.training.upload.limits import Bounds

DELIMITERS = (",", ";", "\t", "|")
MOST_COLUMNS = 1 << 14
"""Columns of an Excel sheet."""
_OTHER_DELIMITERS = {" ": "spaces", ":": "colons", "^": "^", "~": "~", "\x01": "control characters"}
_SHOWN_CHARACTERS = 120
_LISTED_COLUMNS, _NAME_CHARACTERS = 20, 60
_BLANK = b" \r\n" + "".join(DELIMITERS).encode()
_LONGEST_HEAD_BYTES = 1 << 19
_MOST_TITLE_LINES, _MOST_TITLE_FIELDS = 20, 2
_SEPARATOR_LINE = re.compile(r'"?sep=(?P<delimiter>[^"\r\n])"?[,;\t|]*\s*', re.IGNORECASE)
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"
_NUMBER = re.compile(r'\s*"?[+-]?[\d.]+([eE][+-]?\d+)?"?\s*')
_IN_BRACKETS = re.compile(r'\s*(\([^()]*\)|\[[^\[\]]*\])\s*(?="?\s*$)')
_BETWEEN_WORDS = re.compile(r"[\s_.\-]+")


def _key(name: str) -> str:
    """Return a column's name without what people and programs change in it.

    That is: case, quotes, byte order marks and other invisible characters, compatible characters
    (full width), a leading ``#``, and what separates words.
    """
    text = unicodedata.normalize("NFKC", name)
    text = "".join(one for one in text if unicodedata.category(one) != "Cf")
    text = text.strip().lstrip("#").strip().strip(_QUOTES).strip()
    return _BETWEEN_WORDS.sub("", text).casefold()


_CANONICAL = OtherHeader(
    title="canonical",
    names=CANONICAL_HEADER,
    column_of={name: name for name in CANONICAL_HEADER},
    convert=dict,
)
_KNOWN = frozenset(_key(name) for one in (_CANONICAL, *HEADERS) for name in one.names)


@dataclass(frozen=True, slots=True)
class Header:
    """A file's header line, and the positions of the required columns."""

    names: tuple[str, ...]
    column_of: Mapping[str, str]
    """The file's name of each canonical column, in canonical order."""
    positions: tuple[int, ...]
    """Positions of the required columns, in canonical order."""
    other: OtherHeader | None
    """Whose header it is, if not the canonical one."""
    dialect: Dialect
    decimal: str = "."
    """The decimal mark: a point or a comma."""
    are_lines_quoted: bool = False
    """Whether each line is one quoted field."""

    @property
    def delimiter(self) -> str:
        """What separates fields."""
        return self.dialect.delimiter

    @property
    def listed(self) -> tuple[str, ...]:
        """The first ignored columns, their names cut, for reports and logs."""
        return tuple(name[:_NAME_CHARACTERS] for name in self.ignored[:_LISTED_COLUMNS])

    @property
    def ignored(self) -> tuple[str, ...]:
        """Columns that are not required."""
        wanted = set(self.positions)
        return tuple(name for place, name in enumerate(self.names) if place not in wanted)


def read_header(
    blocks: Iterator[bytes],
    bounds: Bounds,
    remarks: list[str] | None = None,
    *,
    has_target: bool = True,
) -> tuple[Header, Iterator[bytes], Place]:
    """Read the header from the first blocks of an upload.

    Args:
        blocks: The upload in blocks of whole lines.
        bounds: How many blank lines may come before it.
        remarks: List to which everything unusual about the header is added.
        has_target: Whether the target is a required column; else it is ignored.

    Returns:
        The header, the blocks after it, and their position.

    Raises:
        UploadRejectedError: The header is unknown, or there are too many columns or blank lines
            before it.
    """
    place, remarks = Place(), [] if remarks is None else remarks
    head = b""
    for block in blocks:
        head += block if head else _without_blank_lines(block, place)
        lines = _Head(head, has_target=has_target)
        if lines.header or not lines.may_follow or len(head) > _LONGEST_HEAD_BYTES:
            return _read(lines, head, blocks, place, remarks)
        if not lines.first:
            place.blank += lines.blank
            place.line += count_lines(head)
            head = b""
        bounds.check_lines(0, place.blank)
    if head:
        return _read(_Head(head, has_target=has_target), head, blocks, place, remarks)
    msg = "the file is empty"
    raise UploadRejectedError(msg)


def is_other_header(fields: list[str]) -> bool:
    """Return whether a line is a header, of which most required columns are names."""
    return _known(fields) > len(CANONICAL_HEADER) / 2


def _read(
    lines: "_Head", head: bytes, blocks: Iterator[bytes], place: Place, remarks: list[str]
) -> tuple[Header, Iterator[bytes], Place]:
    place.blank += lines.blank
    if lines.header is None:
        raise UploadRejectedError(_no_header(lines.first))
    header = _header(
        lines.header,
        lines.dialect,
        are_lines_quoted=lines.are_lines_quoted,
        has_target=lines.has_target,
    )
    if lines.titles:
        shown, more = _shown(lines.first), lines.titles - 1
        ending = f" and {more} more, were" if more else ", was"
        what = "lines" if more else "line"
        remarks.append(f"the {what} before the header, '{shown}'{ending} skipped")
    others = [
        f"{_visible(name)} as {wanted}"
        for wanted, name in zip(_wanted(header), header.column_of.values(), strict=True)
        if name != wanted
    ]
    if others:
        remarks.append(f"columns were read by another spelling: {', '.join(others)}")
    if header.are_lines_quoted:
        remarks.append("each line is in quotes as a whole, and was read without them")
    place.line += count_lines(head[: lines.size])
    rest = head[lines.size :]
    return header, chain([rest] if rest else [], blocks), place


def _without_blank_lines(block: bytes, place: Place) -> bytes:
    """Remove the blank lines at the beginning of a block."""
    content = len(block) - len(block.lstrip(_BLANK))
    start = max(block.rfind(b"\n", 0, content), block.rfind(b"\r", 0, content)) + 1
    lines = count_lines(block[:start])
    place.line += lines
    place.blank += lines
    return block[start:]


class _Head:
    """The beginning of a file, in which the header is looked for."""

    def __init__(self, head: bytes, *, has_target: bool) -> None:
        self.has_target = has_target
        self.header: list[str] | None = None
        self.first: str = ""
        """The first line that is not blank."""
        self.dialect = Dialect(",")
        self.are_lines_quoted = False
        self.titles = self.blank = self.size = 0
        self.may_follow = True
        """Whether the header may be in the following blocks."""
        self._delimiters: tuple[str, ...] = DELIMITERS
        self._text = head.decode()
        self._look()

    def _look(self) -> None:
        lines = _text_lines(self._text)
        for line in lines:
            self.size += len(line.encode())
            separator = _SEPARATOR_LINE.fullmatch(line)
            if separator and not self.titles:
                self.first = self.first or line
                self._delimiters = (separator["delimiter"],)
            elif is_blank([line.translate(_NO_DELIMITERS)]):
                self.blank += 1
                self._skip_open_field(line, lines)
            elif self._is_header(line, lines):
                return
            elif self.titles == _MOST_TITLE_LINES or not self._is_title(line):
                self.may_follow = False
                return
            else:
                self.titles += 1

    def _skip_open_field(self, line: str, following: Iterator[str]) -> None:
        """Skip the following lines of a quoted field that a line leaves open."""
        while line.count('"') % 2:
            line = '"' + next(following, '"')
            self.size += len(line.encode()) - 1

    def _is_header(self, line: str, following: Iterator[str]) -> bool:
        self.first = self.first or line
        delimiter = max(self._delimiters, key=lambda one: _known(line.split(one)))
        taken = 0

        def lines() -> Iterator[str]:
            nonlocal taken
            yield line
            for more in following:
                taken += len(more.encode())
                yield more

        try:
            fields = next(Dialect(delimiter).records(lines()))
        except csv.Error:
            taken = 0
            fields = [field.strip() for field in line.split(delimiter)]
        is_whole = len(fields) == 1 and _known(fields[0].split(delimiter)) > 1
        if is_whole:
            fields = next(Dialect(delimiter).records([fields[0]]))
        if not _known(fields) or (self.titles and not is_other_header(fields)):
            return False
        least = len(CANONICAL_HEADER) if self.has_target else len(FEATURE_NAMES)
        if self.titles and len({_key(field) for field in fields} & _KNOWN) < least:
            return False
        self.size += taken
        self.header, self.are_lines_quoted = fields, is_whole
        self.dialect = Dialect(delimiter, tuple(name.strip() for name in without_empty_end(fields)))
        return True

    def _is_title(self, line: str) -> bool:
        filled = max(sum(map(bool, map(str.strip, line.split(one)))) for one in self._delimiters)
        return line.startswith("#") or filled <= _MOST_TITLE_FIELDS


_NO_DELIMITERS = str.maketrans("", "", "".join(DELIMITERS) + '"')


def _text_lines(text: str) -> Iterator[str]:
    return iter(io.StringIO(text, newline=""))


def _known(names: list[str]) -> int:
    return sum(_key(name) in _KNOWN for name in names)


def _header(
    fields: list[str], dialect: Dialect, *, are_lines_quoted: bool, has_target: bool
) -> Header:
    names = tuple(name.strip() for name in fields)
    if len(names) > MOST_COLUMNS:
        msg = f"the header has {len(names):,} columns; {MOST_COLUMNS:,} is the limit"
        raise UploadRejectedError(msg)
    closest = max((_CANONICAL, *HEADERS), key=lambda one: _shared(names, one))
    columns = CANONICAL_HEADER if has_target else FEATURE_NAMES
    wanted = {name: closest.column_of[name] for name in columns}
    of_target = closest.column_of[TARGET.name]
    required = [name for name in closest.names if has_target or name != of_target]
    matches = _matches(names, required)
    missing = [name for name, places in matches.items() if not places]
    if missing:
        known = {place for places in matches.values() for place in places}
        others = [_visible(name) for place, name in enumerate(names) if place not in known]
        raise UploadRejectedError(_missing(missing, [name for name in others if name != "''"]))
    repeated = [name for name, places in matches.items() if len(places) > 1]
    if repeated:
        msg = f"column {', '.join(repeated)} appears more than once"
        raise UploadRejectedError(msg)
    other = None if closest is _CANONICAL else closest
    column_of = {name: names[matches[one][0]] for name, one in wanted.items()}
    positions = tuple(matches[one][0] for one in wanted.values())
    return Header(names, column_of, positions, other, dialect, are_lines_quoted=are_lines_quoted)


def _shared(names: tuple[str, ...], header: OtherHeader) -> int:
    """Return how many of a header's columns a file has."""
    return sum(map(bool, _matches(names, header.names).values()))


def _matches(names: tuple[str, ...], wanted: Sequence[str]) -> dict[str, list[int]]:
    """Return the places of each wanted column: of its exact name, else of other spellings."""
    keys = [_key(name) for name in names]
    return {
        name: [place for place, one in enumerate(names) if one == name]
        or [place for place, one in enumerate(keys) if one == _key(name)]
        for name in wanted
    }


def _wanted(header: Header) -> tuple[str, ...]:
    """Return the required columns' usual names, in canonical order."""
    usual = header.other.column_of if header.other else _CANONICAL.column_of
    return tuple(usual[name] for name in header.column_of)


def _missing(missing: list[str], others: list[str]) -> str:
    more = f" and {len(others) - _LISTED_COLUMNS:,} more" if len(others) > _LISTED_COLUMNS else ""
    shown = ", ".join(name[:_NAME_CHARACTERS] for name in others[:_LISTED_COLUMNS]) + more
    instead = f"; columns with other names are: {shown}" if others else ""
    return f"missing column{'s' * (len(missing) > 1)} {', '.join(missing)}{instead}; {_accepted()}"


def _no_header(first: str) -> str:
    """Say why a file's first line is no header."""
    shown = _shown(first)
    for delimiter, name in _OTHER_DELIMITERS.items():
        if _known(first.strip().split(delimiter)) > 1:
            return (
                f"the columns are separated by {name}: the first line is '{shown}'; {_accepted()}"
            )
    cells = re.split(r"[,;\t|]", first)
    if sum(bool(_NUMBER.fullmatch(cell)) for cell in cells) > len(cells) / 2:
        return (
            f"the file has no header: its first line is data, '{shown}'; put a line with the "
            f"columns' names before it; {_accepted()}"
        )
    if _known([_IN_BRACKETS.sub("", cell) for cell in cells]) > 1:
        return (
            f"the columns' names have more than a name, such as a unit in brackets: the first line "
            f"is '{shown}'; leave it out; {_accepted()}"
        )
    if first.count('"') % 2:
        return (
            f"a name in the header has a line end in its quotes: the first line is '{shown}'; put "
            f"the names on one line; {_accepted()}"
        )
    return f"no known header, the first line is '{shown}'; {_accepted()}"


def _visible(name: str) -> str:
    """Return a name in quotes, with the codes of letters that may look like others."""
    if not name.isprintable():
        return ascii(name)
    others = dict.fromkeys(one for one in name if not one.isascii())
    codes = f" ({', '.join(f'U+{ord(one):04X}' for one in others)})" if others else ""
    return f"{name!r}{codes}"


def _shown(line: str) -> str:
    text = " ".join(line.split())
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _accepted() -> str:
    return (
        "accepted, separated by commas, semicolons, tabs or pipes and in any order, are: "
        + "; or: ".join(", ".join(one.names) for one in (_CANONICAL, *HEADERS))
    )


def _limits(column: Column) -> tuple[float, float]:
    """Return the smallest and largest canonical value of a column."""
    if column.kind == "boolean":
        return 0, 1
    if column.kind == "category":
        return 0, column.other if column.unknown == "other" else column.other - 1
    return column.minimum, column.maximum


MINIMA, MAXIMA = np.array([_limits(column) for column in CANONICAL_COLUMNS], np.float64).T
MAY_LACK = np.array([column.optional for column in CANONICAL_COLUMNS])
IS_WHOLE = np.array([column.kind == "integer" for column in CANONICAL_COLUMNS])
NUMERIC = tuple(column.kind in {"number", "integer"} for column in CANONICAL_COLUMNS)
"""Which columns are numbers; the others are texts in a file."""
_ALL_REQUIRED_NUMBERS = not MAY_LACK.any() and not IS_WHOLE.any()


def canonical(header: Header, numbers: Values) -> Values:
    """Convert a file's required columns to canonical rows, ``[n, columns]``."""
    if header.other is None:
        return numbers
    names = (header.other.column_of[name] for name in header.column_of)
    given = {header.other.column_of[TARGET.name]: np.zeros(len(numbers))}  # where it is not read
    given |= dict(zip(names, numbers.T, strict=True))
    with np.errstate(all="ignore"):
        columns = header.other.convert(given)
    return np.column_stack([columns[name] for name in header.column_of])


def broken(values: Values) -> NDArray[np.bool_]:
    """Return the mask of numbers with a fraction in columns of whole numbers."""
    with np.errstate(invalid="ignore"):
        is_whole = IS_WHOLE[: values.shape[1]]
        fractions: NDArray[np.bool_] = is_whole & np.isfinite(values) & (values % 1 != 0)
    return fractions


def outside(values: Values) -> NDArray[np.int64]:
    """Return the indices of rows with an impossible value, ascending."""
    rows, width = values.shape
    flat = np.ascontiguousarray(values).ravel()  # one long run is quickest
    is_inside = flat >= np.tile(MINIMA[:width], rows)
    is_inside &= flat <= np.tile(MAXIMA[:width], rows)
    if not _ALL_REQUIRED_NUMBERS:
        is_inside |= np.isnan(flat) & np.tile(MAY_LACK[:width], rows)
        is_inside &= ~broken(values).ravel()
    return np.unique(np.flatnonzero(~is_inside) // width)
