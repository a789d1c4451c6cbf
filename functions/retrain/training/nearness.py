"""How far the nearest of the fitted rows is from anywhere: a table over the area that they cover.

A graph that compared each row with each fitted one would take longer the more there are of either.
Looking a cell up takes the same time for any data set. What it tells is the distance from the
cell's centre, so it is off by half the cell's diagonal at most.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from retrain.training.features import COORDINATES

_CELL_DEGREES = 0.05
_MOST_CELLS = 100_000  # 400 kB in the artifact, whatever area the data cover
_KM_PER_DEGREE = 111.2  # of a great circle of the Earth, mean radius 6,371 km


@dataclass(frozen=True, slots=True)
class Nearness:
    """Distances by cell, in km, float32 ``[rows, columns]``; latitude goes down the rows.

    Attributes:
        km: From each cell's centre to the nearest fitted row.
        first: Latitude and longitude of the table's first corner, float32 ``[2]``.
        last: The last coordinates that lie in the table.
        cell_degrees: Side of a cell.
        km_per_degree: Length of a degree of latitude and of longitude, float32 ``[2]``.
    """

    km: NDArray[np.float32]
    first: NDArray[np.float32]
    last: NDArray[np.float32]
    cell_degrees: float
    km_per_degree: NDArray[np.float32]


def nearness_of(features: NDArray[np.float32]) -> Nearness:
    """Make the table of n fitted rows, ``[n, 8]`` in schema order.

    Degrees of longitude are taken to be as long as they are in the middle of the rows: right where
    the rows lie, and far from them "far" is all that matters.
    """
    places = np.unique(features[:, COORDINATES].astype(np.float64), axis=0)
    low, high = places.min(axis=0), places.max(axis=0)
    cell_degrees = max(_CELL_DEGREES, float(np.sqrt(np.prod(high - low) / _MOST_CELLS)))
    shape = np.floor((high - low) / cell_degrees).astype(int) + 1
    shrink = np.cos(np.deg2rad((low[0] + high[0]) / 2))
    km_per_degree = np.array([_KM_PER_DEGREE, _KM_PER_DEGREE * shrink])
    centres = np.indices(shape).reshape(2, -1).T + 0.5
    tree = cKDTree(places * km_per_degree)
    distances, _ = tree.query((low + centres * cell_degrees) * km_per_degree)
    return Nearness(
        km=distances.reshape(shape).astype(np.float32),
        first=low.astype(np.float32),
        # A bit inside of the end: float32's rounding never leads out of the table.
        last=(low + (shape - 0.01) * cell_degrees).astype(np.float32),
        cell_degrees=cell_degrees,
        km_per_degree=km_per_degree.astype(np.float32),
    )
