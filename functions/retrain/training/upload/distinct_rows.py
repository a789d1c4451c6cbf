"""External sort: the distinct rows of a file of any size, in the order of their hashes.

Where a subject's rows may repeat, all rows.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from retrain.training.dataset.rows import Values, distinct, first_of_each

HELD_ROWS = 1_000_000
_BUCKET_BITS = 7
_HASH_WORDS = 2


class DistinctRows:
    """Collects rows in any order and yields each distinct one once, in the order of their hashes.

    Rows beyond the memory limit are spilled to files by the first bits of their hashes: equal rows
    are in one file, and each file is sorted on its own.
    """

    def __init__(self, folder: Path, *, held_rows: int = HELD_ROWS) -> None:
        """Spill to an empty folder once more than ``held_rows`` rows were added."""
        self._folder = folder
        self._most_held = held_rows
        self._held: list[Values] = []
        self._held_rows = 0

    def add(self, values: Values) -> None:
        """Add rows."""
        self._held.append(values)
        self._held_rows += len(values)
        if self._held_rows > self._most_held:
            self._spill()

    def in_order(self) -> Iterator[Values]:
        """Yield the distinct rows in the order of their hashes; delete the files."""
        paths = [path for path in map(self._path, range(1 << _BUCKET_BITS)) if path.exists()]
        if not paths:
            if self._held:
                yield distinct(np.concatenate(self._held))[0]
            return
        self._spill()
        for path in paths:
            words = np.fromfile(path, dtype=np.uint64).reshape(-1, self._words)
            path.unlink()
            hashes, values = words[:, :_HASH_WORDS], words[:, _HASH_WORDS:].view(np.float64)
            yield first_of_each(values, hashes)[0]

    def _spill(self) -> None:
        if not self._held:
            return
        values, hashes = distinct(np.concatenate(self._held))
        self._held, self._held_rows = [], 0
        self._words = _HASH_WORDS + values.shape[1]
        buckets = hashes[:, 0] >> np.uint64(64 - _BUCKET_BITS)
        records = np.column_stack([hashes, values.view(np.uint64)])
        cuts = np.searchsorted(buckets, np.arange(1, 1 << _BUCKET_BITS, dtype=np.uint64))
        for bucket, rows in enumerate(np.split(records, cuts)):
            if len(rows):
                with self._path(bucket).open("ab") as file:
                    rows.tofile(file)

    def _path(self, bucket: int) -> Path:
        return self._folder / f"rows-{bucket:03}"
