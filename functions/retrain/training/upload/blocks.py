"""An upload's bytes in blocks of whole lines, so that a file need not fit into memory."""

from collections.abc import Iterator
from typing import Protocol

from retrain.training.errors import UploadRejectedError

BLOCK_BYTES = 4 << 20
_LONGEST_LINE_BYTES = 8 << 20
_BYTE_ORDER_MARK = "\ufeff".encode()


class Readable(Protocol):
    """A file that is open for reading bytes, or what behaves like one."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        ...


def blocks_of(stream: Readable) -> Iterator[bytes]:
    """Yield a stream in blocks of whole lines, without its byte order mark.

    Raises:
        UploadRejectedError: It is binary, or has a line of over 8 MiB.
    """
    for number, block in enumerate(_whole_lines(stream)):
        yield block if number else block.removeprefix(_BYTE_ORDER_MARK)


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
        cut = rest.rfind(b"\n") + 1 or rest.rfind(b"\r", 0, -1) + 1
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
        if len(rest) > _LONGEST_LINE_BYTES:
            msg = f"the file has a line of over {_LONGEST_LINE_BYTES:,} bytes"
            raise UploadRejectedError(msg)
    if rest:
        yield rest
