"""Rows as arrays: features and prices, hashes, distinct rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from housing.schema import CANONICAL_COLUMNS, REPEATS

Hashes = NDArray[np.uint64]
"""A 128-bit hash of each row, ``[n, 2]``, evenly spread."""

_Words = NDArray[np.uint64]
_MAY_LACK = any(column.optional for column in CANONICAL_COLUMNS)

_ROWS_AT_ONCE = 4_096
_C1 = np.uint64(0x87C37B91114253D5)
_C2 = np.uint64(0x4CF5AD432745937F)
_FIVE = np.uint64(5)
_ADDED_1 = np.uint64(0x52DCE729)
_ADDED_2 = np.uint64(0x38495AB5)
_FINAL_1 = np.uint64(0xFF51AFD7ED558CCD)
_FINAL_2 = np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(33)
_WORD_BITS = 64


def hash_rows(values: NDArray[np.float64]) -> Hashes:
    """Hash each row by its float64 bytes: the same on every machine and in every version.

    Algorithm and constants: Austin Appleby, MurmurHash3 (x64, 128 bits),
    https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp (public domain). It is
    evenly distributed and not collision-resistant: an uploader who could craft a collision could as
    well upload a wrong row.

    Args:
        values: ``[n, columns]``.

    Returns:
        MurmurHash3_x64_128, seed 0, of each row's little-endian bytes.
    """
    words = np.ascontiguousarray(values, dtype="<f8").view("<u8").astype(np.uint64, copy=False)
    hashes = np.empty((len(words), 2), dtype=np.uint64)
    for start in range(0, len(words), _ROWS_AT_ONCE):
        columns = words[start : start + _ROWS_AT_ONCE].T.copy()  # of one row it would be a view
        first, second = _hash_columns(columns)
        hashes[start : start + _ROWS_AT_ONCE, 0] = first
        hashes[start : start + _ROWS_AT_ONCE, 1] = second
    return hashes


def _hash_columns(columns: _Words) -> tuple[_Words, _Words]:
    """Hash the rows of a block that is stored by columns; the block is overwritten."""
    count, rows = columns.shape
    h1, h2 = np.zeros(rows, dtype=np.uint64), np.zeros(rows, dtype=np.uint64)
    spare = np.empty(rows, dtype=np.uint64)
    for pair in range(0, count - 1, 2):
        h1 ^= _mixed(columns[pair], _C1, 31, _C2, spare)
        _rotate(h1, 27, spare)
        h1 += h2
        h1 *= _FIVE
        h1 += _ADDED_1
        h2 ^= _mixed(columns[pair + 1], _C2, 33, _C1, spare)
        _rotate(h2, 31, spare)
        h2 += h1
        h2 *= _FIVE
        h2 += _ADDED_2
    if count % 2:
        h1 ^= _mixed(columns[-1], _C1, 31, _C2, spare)
    length = np.uint64(count * columns.itemsize)
    h1 ^= length
    h2 ^= length
    h1 += h2
    h2 += h1
    _finish(h1, spare)
    _finish(h2, spare)
    h1 += h2
    h2 += h1
    return h1, h2


def _mixed(word: _Words, before: np.uint64, bits: int, after: np.uint64, spare: _Words) -> _Words:
    word *= before
    _rotate(word, bits, spare)
    word *= after
    return word


def _rotate(word: _Words, bits: int, spare: _Words) -> None:
    """Rotate to the left, in place."""
    np.right_shift(word, np.uint64(_WORD_BITS - bits), out=spare)
    np.left_shift(word, np.uint64(bits), out=word)
    word |= spare


def _finish(word: _Words, spare: _Words) -> None:
    """Apply the final avalanche to a half, in place."""
    for factor in (_FINAL_1, _FINAL_2):
        np.right_shift(word, _HALF, out=spare)
        word ^= spare
        word *= factor
    np.right_shift(word, _HALF, out=spare)
    word ^= spare


Values = NDArray[np.float64]
"""Canonical rows, ``[n, columns]``, columns in the order of ``housing.schema.CANONICAL_HEADER``."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Features, float32 ``[n, features]`` as the service takes them, and prices, ``[n]``."""

    features: NDArray[np.float32]
    prices: Values

    @classmethod
    def of(cls, values: Values) -> "Rows":
        """Split canonical rows into features and prices."""
        return cls(np.ascontiguousarray(values[:, :-1], dtype=np.float32), values[:, -1])

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.prices)

    def take(self, rows: NDArray[np.bool_]) -> "Rows":
        """Return some of the rows."""
        return Rows(self.features[rows], self.prices[rows])


def distinct(values: Values) -> tuple[Values, Hashes]:
    """Return each distinct row once, in the order of the hashes, with its hash.

    Where a subject's rows may repeat, each row is returned as often as it is there.
    """
    values = np.ascontiguousarray(values + 0.0)  # makes -0.0 the 0.0 that it equals
    if _MAY_LACK:
        values[np.isnan(values)] = np.nan  # one of the many NaNs
    return first_of_each(values, hash_rows(values))


def first_of_each(values: Values, hashes: Hashes) -> tuple[Values, Hashes]:
    """Return one row for each hash, in the order of the hashes; all where rows may repeat."""
    order = np.argsort(hashes[:, 0])
    ordered = hashes[order]
    is_same_half = ordered[1:, 0] == ordered[:-1, 0]
    is_same = is_same_half & (ordered[1:, 1] == ordered[:-1, 1])
    if (is_same_half != is_same).any():  # two rows share half a hash: the other half decides
        order = np.lexsort((hashes[:, 1], hashes[:, 0]))
        ordered = hashes[order]
        is_same = (ordered[1:] == ordered[:-1]).all(axis=1)
    if REPEATS:
        return values[order], ordered
    is_first = np.ones(len(hashes), dtype=bool)
    is_first[1:] = ~is_same
    return values[order[is_first]], ordered[is_first]


def bytes_of_rows(values: Values) -> bytes:
    """Return the rows' float64 bytes, the same on every machine."""
    return values.astype("<f8", copy=False).tobytes()
