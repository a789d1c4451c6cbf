"""Limits on uploads, and on how much of one is read before it is rejected.

They reject no honest upload, and a hostile one costs no more than an honest one of its size: 100 kB
of gzip can unpack to 100 MB, and a row of two bytes takes as long as a whole one.
"""

from dataclasses import dataclass

from housing.schema import CANONICAL_COLUMNS
from retrain.training.errors import UploadRejectedError

MOST_BLANK_LINES = 1 << 20
"""Rows of an Excel sheet: no spreadsheet writes more."""
MOST_UNPACKING_RATIO = 50.0
_UNPACKED_BYTES = 32 << 20
"""Unpacked size that is allowed for any packed file."""
_PACKED_ROWS = 50_000
"""Rows that are allowed for any packed file."""
_PACKED_ROW_BYTES = 4
"""Fewer bytes than a packed row has.

Rows of nine numbers have 34, 15 if they are rounded to two decimals, and 5 if they are
rounded to whole numbers and sorted, so that many are equal.
"""
_ROW_BYTES = sum(1 if column.optional else 2 for column in CANONICAL_COLUMNS)
"""The shortest good row: digits, delimiters and the end of the line, which the last may lack."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds on reading one file; None means unbounded."""

    unpacked_bytes: int | None = None
    rows: int | None = None
    bad_rows: int | None = None
    """With more, the file is rejected without reading on."""
    blank_lines: int = MOST_BLANK_LINES
    packed_bytes: int | None = None
    """Size of the file, where it is packed."""

    def check_bytes(self, unpacked: int) -> None:
        """Check the unpacked size of a packed file.

        Raises:
            UploadRejectedError: It is too large.
        """
        self._check(unpacked, self.unpacked_bytes, "bytes")

    def check_lines(self, rows: int, blank_lines: int) -> None:
        """Check the number of rows and blank lines read.

        Raises:
            UploadRejectedError: There are too many rows, or blank lines.
        """
        self._check(rows, self.rows, "rows")
        if blank_lines > self.blank_lines:
            msg = f"the file has over {self.blank_lines:,} blank lines, which is the limit"
            raise UploadRejectedError(msg)

    def _check(self, count: int, most: int | None, what: str) -> None:
        if most is not None and count > most:
            msg = (
                f"unpacked, the file has over {most:,} {what}, which is the limit for "
                f"{self.packed_bytes:,} packed bytes; if it is right, upload it unpacked"
            )
            raise UploadRejectedError(msg)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on an upload."""

    max_bytes: int
    max_unpacked_bytes: int
    max_bad_rows_share: float
    max_unpacking_ratio: float = MOST_UNPACKING_RATIO
    max_blank_lines: int = MOST_BLANK_LINES

    def bounds(self, size: int, *, is_packed: bool) -> Bounds:
        """Return the bounds for a file of a given size."""
        if not is_packed:
            good = (size + 1) // _ROW_BYTES
            return Bounds(bad_rows=self._most_bad(good), blank_lines=self.max_blank_lines)
        rows = _PACKED_ROWS + size // _PACKED_ROW_BYTES
        unpacked = max(_UNPACKED_BYTES, int(self.max_unpacking_ratio * size))
        return Bounds(
            unpacked_bytes=min(self.max_unpacked_bytes, unpacked),
            rows=rows,
            bad_rows=self._most_bad(rows),
            blank_lines=self.max_blank_lines,
            packed_bytes=size,
        )

    def _most_bad(self, good_rows: int) -> int | None:
        """Return the largest allowed number of bad rows beside a number of good ones."""
        share = self.max_bad_rows_share
        return int(share / (1 - share) * good_rows) if share < 1 else None
