"""Read an upload's bytes as UTF-8 text, whatever its encoding; name files that are not text."""

import codecs
from typing import TYPE_CHECKING, Protocol

from retrain.training.errors import UploadRejectedError

if TYPE_CHECKING:
    from collections.abc import Callable

_SNIFFED_BYTES = 1 << 12
_TEXT_MARKS = ("\ufeff", "\u200b")
"""Byte order mark and zero width space, which editors and joined files leave at the beginning."""
_WIDE = (
    (codecs.BOM_UTF32_LE, "UTF-32", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "UTF-32", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "UTF-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "UTF-16", "utf-16-be"),
)
_KINDS = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (.xls)"),
    (b"\x1f\x8b", "packed twice with gzip"),
    (b"BZh", "packed with bzip2"),
    (b"\xfd7zXZ\0", "packed with xz"),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"Obj\x01", "an Avro file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"{\\rtf", "an RTF document"),
)
_MARKUP = {b"<!doctype html": "an HTML page", b"<html": "an HTML page", b"<": "XML or HTML"}
_WINDOWS = {
    0xDC00 + byte: bytes([byte]).decode("cp1252" if byte not in b"\x81\x8d\x8f\x90\x9d" else "l1")
    for byte in range(0x80, 0x100)
}
"""Characters of Windows-1252 for bytes that are not UTF-8, which Python decodes as surrogates."""


class Readable(Protocol):
    """A readable binary stream."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, empty at the end."""
        ...


class Utf8Stream:
    """Reads a stream of text in UTF-8, UTF-16 or UTF-32 as UTF-8, without byte order marks."""

    def __init__(self, stream: Readable, remarks: list[str]) -> None:
        """Detect the encoding from the first bytes.

        Args:
            stream: The stream.
            remarks: List to which the encoding is added if it is not UTF-8.

        Raises:
            UploadRejectedError: The stream is a file of another known kind.
        """
        first = _first_bytes(stream)
        _check_kind(first)
        self._stream = stream
        self._decoded: Callable[[bytes, bool], str] | None = None
        name, codec, mark = _wide_encoding(first)
        if codec:
            remarks.append(f"the text is {name} and was read as such")
            self._name, self._decoded = name, codecs.getincrementaldecoder(codec)().decode
        self._next = self._as_utf8(first[len(mark) :], is_last=False)
        marks = [mark.encode() for mark in _TEXT_MARKS]
        while self._next.startswith(tuple(marks)):
            self._next = self._next[len(marks[0]) :]

    def read(self, size: int, /) -> bytes:
        """Return some text, empty at the end.

        Raises:
            UploadRejectedError: The text is not valid in its encoding.
        """
        if self._next:
            text, self._next = self._next[:size], self._next[size:]
            return text
        while piece := self._stream.read(size):
            if text := self._as_utf8(piece, is_last=False):
                return text
        return self._as_utf8(b"", is_last=True)

    def _as_utf8(self, piece: bytes, *, is_last: bool) -> bytes:
        if self._decoded is None:
            return piece
        try:
            return self._decoded(piece, is_last).encode()
        except UnicodeDecodeError as exc:
            msg = f"the file is damaged: it begins as {self._name} and does not continue so"
            raise UploadRejectedError(msg) from exc


def as_utf8(block: bytes, remarks: list[str]) -> bytes:
    """Return a block as UTF-8: bytes that are not are read as Windows-1252."""
    if block.isascii():
        return block
    try:
        block.decode()
    except UnicodeDecodeError:
        remark = "not all text is UTF-8: other bytes were read as Windows-1252"
        if remark not in remarks:
            remarks.append(remark)
        return block.decode(errors="surrogateescape").translate(_WINDOWS).encode()
    return block


def _first_bytes(stream: Readable) -> bytes:
    first = b""
    while len(first) < _SNIFFED_BYTES and (piece := stream.read(_SNIFFED_BYTES - len(first))):
        first += piece
    return first


def _check_kind(first: bytes) -> None:
    for mark, kind in _KINDS:
        if first.startswith(mark):
            is_workbook = b"[Content_Types].xml" in first or b"xl/" in first
            shown = "an Excel workbook (.xlsx)" if is_workbook else kind
            msg = f"the file is {shown}, not CSV text: save or export it as CSV"
            raise UploadRejectedError(msg)
    text = first.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for mark, kind in _MARKUP.items():
        if text.startswith(mark):
            msg = f"the file is {kind}, not CSV text: was a page saved instead of the data?"
            raise UploadRejectedError(msg)
    compact = b"".join(text[:200].split())
    if compact.startswith((b'{"', b"{}", b'[{"', b"[[", b"{'")):
        msg = "the file is JSON, not CSV text: save or export it as CSV"
        raise UploadRejectedError(msg)


def _wide_encoding(first: bytes) -> tuple[str, str | None, bytes]:
    """Return the name, codec and byte order mark of UTF-16 or UTF-32; codec None for neither."""
    for mark, name, codec in _WIDE:
        if first.startswith(mark):
            return name, codec, mark
    # Latin text in UTF-16 has a zero in each pair of bytes; binary files have them anywhere.
    even, odd = first[0::2], first[1::2]
    for codec, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if others and zeros.count(0) > 0.9 * len(zeros) and not others.count(0):
            return "UTF-16", codec, b""
    return "UTF-8", None, b""
