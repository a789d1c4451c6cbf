"""Rows as arrays, and the hash that names each row."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
"""Canonical rows, ``[n, 9]``, columns in the order of ``housing.schema.CANONICAL_HEADER``."""

Hashes = NDArray[np.uint64]
"""A 128-bit hash of each row, ``[n, 2]``, evenly spread."""

_HASH_BYTES = 16


@dataclass(frozen=True, slots=True)
class Rows:
    """Features, float32 ``[n, 8]`` as the service sends them, and prices, float64 ``[n]``."""

    features: NDArray[np.float32]
    prices: Values

    @classmethod
    def of(cls, values: Values) -> "Rows":
        """Take canonical rows apart."""
        return cls(np.ascontiguousarray(values[:, :-1], dtype=np.float32), values[:, -1])

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.prices)


def hash_rows(values: Values) -> Hashes:
    """Hash each row by its float64 bytes: the same on every machine and in every version."""
    rows = _canonical_bytes(values)
    width = values.shape[1] * values.itemsize
    digests = b"".join(
        hashlib.blake2b(rows[start : start + width], digest_size=_HASH_BYTES).digest()
        for start in range(0, len(rows), width)
    )
    return np.frombuffer(digests, dtype=">u8").reshape(-1, 2).astype(np.uint64)


def distinct(values: Values) -> tuple[Values, Hashes]:
    """Return each distinct row once, in the order of the hashes, with its hash."""
    values = np.ascontiguousarray(values + 0.0)  # makes -0.0 the 0.0 that it equals
    hashes = hash_rows(values)
    order = np.lexsort((hashes[:, 1], hashes[:, 0]))
    values, hashes = values[order], hashes[order]
    is_first = np.ones(len(hashes), dtype=bool)
    is_first[1:] = (hashes[1:] != hashes[:-1]).any(axis=1)
    return values[is_first], hashes[is_first]


def are_among(hashes: Hashes, others: Hashes) -> NDArray[np.bool_]:
    """Say of each distinct hash whether it is among other distinct ones."""
    both = np.concatenate([others, hashes])
    order = np.lexsort((both[:, 1], both[:, 0]))  # stable: of two equal ones the other comes first
    is_repeated = (both[order[1:]] == both[order[:-1]]).all(axis=1)
    found = np.zeros(len(both), dtype=bool)
    found[order[1:][is_repeated]] = True
    return found[len(others) :]


def digest_of_rows(values: Values) -> str:
    """Return the SHA-256 over the rows' float64 bytes, in their order."""
    return hashlib.sha256(_canonical_bytes(values)).hexdigest()


def _canonical_bytes(values: Values) -> memoryview:
    return np.ascontiguousarray(values, dtype="<f8").data.cast("B")
