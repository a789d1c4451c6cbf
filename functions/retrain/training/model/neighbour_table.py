"""Training rows in a table that a graph can look nearest rows up in.

The plane is cut into small regions, so that a block group is compared with a few hundred rows and
not with all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from housing.schema import FEATURE_NAMES
from retrain.training.dataset.rows import Values
from retrain.training.model.features import GRID_KM, points
from retrain.training.model.tensor_ops import Floats, NumpyOps, PlaneTree, Tensor, TensorOps

MEANS = ("MedInc", "HouseAge", "AveRooms")
LOG_OFFSET = np.float32(0.1)
INCOME = FEATURE_NAMES.index("MedInc")
_ROWS_OF_A_LEAF = 16
_CANDIDATES = 160
_JITTER_KM = 0.6 * GRID_KM


@dataclass(frozen=True, slots=True)
class RowTable:
    """Training rows as neighbours.

    Attributes:
        places: Where they lie, float32 ``[m, 2]``, in km.
        prices: What they cost, float32 ``[m]``.
        log_income: Logarithm of their income, float32 ``[m]``.
        means: What is averaged over the closest, float32 ``[m, 4]``.
    """

    places: Floats
    prices: Floats
    log_income: Floats
    means: Floats

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.prices)


@dataclass(frozen=True, slots=True)
class Regions:
    """The plane in small regions, and the rows that come into question in each.

    Attributes:
        tree: Finds the region of a point.
        candidates: Of each region the rows nearest to it, int32 ``[regions, c]``, in rising order.
        east: Where they lie, float32 ``[regions, c]``: a graph reads a line of a table faster than
            it looks up as many rows.
        north: The same.
    """

    tree: PlaneTree
    candidates: NDArray[np.int32]
    east: Floats
    north: Floats


def table_of(rows: Floats, prices: Values, *, seed: int) -> RowTable:
    """Make a table of m rows.

    Many rows lie at the same hundredth of a degree. A jitter tells them apart that is fixed in the
    table, so that which of them count among the k nearest does not hang on the last bit.
    """
    jitter = np.random.default_rng(seed).uniform(-_JITTER_KM, _JITTER_KM, (len(rows), 2))
    income = rows[:, INCOME]
    averaged = [rows[:, FEATURE_NAMES.index(name)] for name in MEANS]
    return RowTable(
        places=(points(NumpyOps(), rows) + jitter).astype(np.float32),
        prices=prices.astype(np.float32),
        log_income=np.log(income + LOG_OFFSET),
        means=np.stack([*averaged, prices / (income + LOG_OFFSET)], axis=1).astype(np.float32),
    )


def regions_of(table: RowTable) -> Regions:
    """Halve the rows again and again, by their median along the wider side."""
    depth = max(1, int(np.log2(max(1, len(table) / _ROWS_OF_A_LEAF))))
    axis, threshold = [], []
    level = [np.arange(len(table))]
    for _ in range(depth):
        halves = []
        for members in level:
            places = table.places[members]
            wider = int(np.argmax(np.ptp(places, axis=0)))
            order = members[np.argsort(places[:, wider], kind="stable")]
            middle = max(1, len(order) // 2)
            axis.append(wider)
            threshold.append(table.places[order[middle - 1], wider])
            halves += [order[:middle], order[middle:] if len(order) > 1 else order]
        level = halves
    count = min(_CANDIDATES, len(table))
    candidates = np.stack([_nearest_to(table.places, members, count) for members in level])
    tree = PlaneTree(np.array(axis, np.int64), np.array(threshold, np.float32))
    east, north = (table.places[candidates, axis] for axis in (0, 1))
    return Regions(tree, candidates.astype(np.int32), east, north)


def _nearest_to(places: Floats, members: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the rows that are nearest to the box around some of them, in rising order."""
    own = places[members]
    beyond = np.maximum(own.min(axis=0) - places, places - own.max(axis=0)).clip(min=0)
    distances = (beyond * beyond).sum(axis=1)
    return np.sort(np.argpartition(distances, count - 1)[:count])


def found_among(
    ops: TensorOps, places: Tensor, regions: Regions, most: int
) -> tuple[Tensor, Tensor]:
    """Find the k nearest rows of points, ``[n, 2]``: squared distances and rows, ``[n, k]``."""
    leaf = ops.leaf(places, regions.tree)
    east = ops.take(regions.east, leaf) - ops.columns(places, [0])
    north = ops.take(regions.north, leaf) - ops.columns(places, [1])
    count = min(most, regions.candidates.shape[1])
    squares, positions = ops.nearest(east * east + north * north, count)
    return squares, ops.pick(ops.take(regions.candidates, leaf), positions)
