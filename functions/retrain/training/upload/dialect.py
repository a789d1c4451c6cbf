"""Adapt a header to the rows below it: row names without a name, and the decimal mark."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice

from retrain.training.errors import UploadRejectedError
from retrain.training.upload.cell_check import check_lines
from retrain.training.upload.exact_reading import Dialect, Line, Place, read_lines
from retrain.training.upload.header import NUMERIC, Header
from retrain.training.upload.limits import Bounds

_SAMPLE_BYTES, _SAMPLE_ROWS = 1 << 16, 200
_QUOTED_LINE = re.compile(rb'^"((?:[^"\r\n]|"")*)"(?=[\r\n]|\Z)', re.MULTILINE)


def without_line_quotes(block: bytes) -> bytes:
    """Return a block without the quotes around whole lines."""
    return _QUOTED_LINE.sub(lambda line: line[1].replace(b'""', b'"'), _with_line_feeds(block))


def adapted(
    header: Header, blocks: Iterator[bytes], remarks: list[str]
) -> tuple[Header, Iterator[bytes]]:
    """Return a header as the first rows show it to be meant, and all blocks.

    Args:
        header: The header as it stands in the file.
        blocks: The blocks after it.
        remarks: List to which what was adapted is added.

    Raises:
        UploadRejectedError: Each number can be read in two ways, and both give good rows.
    """
    sampled: list[bytes] = []
    while sum(map(len, sampled)) < _SAMPLE_BYTES and (block := next(blocks, b"")):
        sampled.append(block)
    lines = _sample(header, b"".join(sampled)[:_SAMPLE_BYTES])
    if lines:
        header = _with_row_names(header, lines, remarks)
        header = _with_decimal_mark(header, lines, remarks)
    return header, chain(sampled, blocks)


def _sample(header: Header, text: bytes) -> list[Line]:
    """Return the first rows, without the last line, which may be cut."""
    if len(text) == _SAMPLE_BYTES:
        text = text[: max(text.rfind(b"\n"), text.rfind(b"\r")) + 1]
    if not text:
        return []
    lines = read_lines(text, iter(()), header.dialect, Place(), Bounds())
    return [line for line in islice(lines, _SAMPLE_ROWS) if not line.fault]


def _with_row_names(header: Header, lines: list[Line], remarks: list[str]) -> Header:
    """Add a first column if each row has one field more than the header and is good with it.

    R writes row names so, and no name for them.
    """
    if any(len(line.fields) != len(header.names) + 1 for line in lines):
        return header
    with_names = replace(
        header,
        names=("", *header.names),
        positions=tuple(place + 1 for place in header.positions),
        dialect=Dialect(header.delimiter, header.dialect.header),
    )
    if max(_good_rows(with_names, lines), _good_rows(replace(with_names, decimal=","), lines)) == 0:
        return header
    remarks.append("the header has no name for the first column, which was ignored")
    return with_names


def _with_decimal_mark(header: Header, lines: list[Line], remarks: list[str]) -> Header:
    """Read the rows with points and with commas, and take what gives more good rows."""
    commas = _with_commas(header, lines)
    if not commas:
        return header
    with_comma = replace(header, decimal=",")
    good, good_with_comma = _good_rows(header, lines), _good_rows(with_comma, lines)
    if good == good_with_comma > 0:
        msg = (
            f"'{commas[0]}' may be a decimal or thousands, and both give possible rows: write "
            "decimals with a point, and thousands without a mark"
        )
        raise UploadRejectedError(msg)
    if good_with_comma > good:
        remarks.append(f"numbers have a decimal comma, such as '{commas[0]}', and were read so")
        return with_comma
    if thousands := _with_commas(header, _good(header, lines)):
        remarks.append(f"commas between thousands, such as in '{thousands[0]}', were left out")
    return header


def _numbers(header: Header, line: Line) -> list[str]:
    """Return the cells of a line that should be numbers."""
    places = zip(header.positions, NUMERIC[: len(header.positions)], strict=True)
    return [
        line.fields[at].strip() for at, is_number in places if is_number and at < len(line.fields)
    ]


def _with_commas(header: Header, lines: list[Line]) -> list[str]:
    """Return the cells that should be numbers and have a comma."""
    return [cell for line in lines for cell in _numbers(header, line) if "," in cell]


def _good(header: Header, lines: list[Line]) -> list[Line]:
    is_bad = check_lines(header, lines).is_bad
    return [line for line, bad in zip(lines, is_bad, strict=True) if not bad]


def _good_rows(header: Header, lines: list[Line]) -> int:
    return len(_good(header, lines))


def _with_line_feeds(block: bytes) -> bytes:
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in block else block
