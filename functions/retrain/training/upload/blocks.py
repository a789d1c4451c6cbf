"""An upload's bytes in blocks of whole lines, so that a file need not fit into memory."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from retrain.training.errors import UploadRejectedError

BLOCK_BYTES = 1 << 20
LONGEST_LINE_BYTES = 1 << 19
_MOST_LINES = 1 << 16
MOST_FIELDS = 1 << 18
"""Four times the lines of a block of usual rows, and half as many fields again: an array over them
has some megabytes, whatever the block holds."""
_LINE_FEED, _LAST_MARK = b"\n,"
_BYTE_ORDER_MARK = "\ufeff".encode()


class Readable(Protocol):
    """A file that is open for reading bytes, or what behaves like one."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        ...


def blocks_of(stream: Readable) -> Iterator[bytes]:
    """Yield a stream in blocks of whole lines, without its byte order mark.

    Raises:
        UploadRejectedError: It is binary, or has a line of over 512 KiB.
    """
    for number, block in enumerate(_whole_lines(stream)):
        yield from _pieces(block if number else block.removeprefix(_BYTE_ORDER_MARK))


def check_text(block: bytes, lines_before: int) -> None:
    """Make sure of a block's encoding.

    Raises:
        UploadRejectedError: It is no text in UTF-8.
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
    """Halve a block of whole lines until none has too many lines or fields; a line stays whole."""
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
    """Count a character that most files have not."""
    if rare not in block:
        return 0
    return int(np.count_nonzero(np.frombuffer(block, np.uint8) == ord(rare)))


def _end_of_line(block: bytes, near: int) -> int:
    """Return where a line ends, but for the last one; 0 where there is no other."""
    before, after = block.rfind(b"\n", 0, near), block.find(b"\n", near, -1)
    if before >= 0 or after >= 0:
        return max(before, after) + 1
    end = block.rfind(b"\r", 0, near) + 1
    return 0 if block[end : end + 1] == b"\n" else end
