"""Rows as arrays: features and prices, distinct rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain.training.dataset.row_hash import Hashes, hash_rows

Values = NDArray[np.float64]
"""Canonical rows, ``[n, 9]``, columns in the order of ``housing.schema.CANONICAL_HEADER``."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Features, float32 ``[n, 8]`` as the service passes them, and prices, float64 ``[n]``."""

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
    """Return each distinct row once, in the order of the hashes, with its hash."""
    values = np.ascontiguousarray(values + 0.0)  # makes -0.0 the 0.0 that it equals
    return first_of_each(values, hash_rows(values))


def first_of_each(values: Values, hashes: Hashes) -> tuple[Values, Hashes]:
    """Return one row for each hash, in the order of the hashes."""
    order = np.argsort(hashes[:, 0])
    ordered = hashes[order]
    is_same_half = ordered[1:, 0] == ordered[:-1, 0]
    is_same = is_same_half & (ordered[1:, 1] == ordered[:-1, 1])
    if (is_same_half != is_same).any():  # two rows share half a hash: the other half decides
        order = np.lexsort((hashes[:, 1], hashes[:, 0]))
        ordered = hashes[order]
        is_same = (ordered[1:] == ordered[:-1]).all(axis=1)
    is_first = np.ones(len(hashes), dtype=bool)
    is_first[1:] = ~is_same
    return values[order[is_first]], ordered[is_first]


def are_among(hashes: Hashes, others: Hashes) -> NDArray[np.bool_]:
    """Return the mask of distinct hashes that are among other distinct ones."""
    both = np.concatenate([others, hashes])
    order = np.lexsort((both[:, 1], both[:, 0]))  # stable: of two equal ones the other comes first
    is_repeated = (both[order[1:]] == both[order[:-1]]).all(axis=1)
    is_among = np.zeros(len(both), dtype=bool)
    is_among[order[1:][is_repeated]] = True
    return is_among[len(others) :]


def bytes_of_rows(values: Values) -> bytes:
    """Return the rows' float64 bytes, the same on every machine."""
    return values.astype("<f8", copy=False).tobytes()
