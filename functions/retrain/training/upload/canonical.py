"""Columns of numbers as canonical rows, and the ranges of these."""

import numpy as np
from numpy.typing import NDArray

from housing.schema import CANONICAL_COLUMNS, from_census
from retrain.training.dataset.rows import Values
from retrain.training.upload.header import Header

MINIMA = np.array([column.minimum for column in CANONICAL_COLUMNS])
MAXIMA = np.array([column.maximum for column in CANONICAL_COLUMNS])


def canonical(header: Header, numbers: Values) -> Values:
    """Return canonical rows of a file's wanted columns, ``[n, 9]`` in canonical order."""
    if not header.is_census:
        return numbers
    names = header.column_of.values()
    with np.errstate(all="ignore"):
        columns = from_census(dict(zip(names, numbers.T, strict=True)))
    return np.column_stack([columns[column.name] for column in CANONICAL_COLUMNS])


def outside(values: Values) -> NDArray[np.int64]:
    """Return which rows have a value that is not within its range, ascending."""
    flat = np.ascontiguousarray(values).ravel()  # one long run is quickest
    is_inside = (flat >= np.tile(MINIMA, len(values))) & (flat <= np.tile(MAXIMA, len(values)))
    return np.unique(np.flatnonzero(~is_inside) // len(MINIMA))
