"""Neighbour features: prices and attributes of the training rows around a row.

The number of kept rows is capped, so that the model's file does not grow with the data. The plane
is partitioned into small regions, so that a row is compared with a few hundred rows.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from housing.schema import FEATURE_NAMES
from retrain.training.dataset.mapped import release, scratch
from retrain.training.dataset.rows import Values
from retrain.training.model.features import GEOGRAPHY, GRID_KM, points
from retrain.training.model.tensor_ops import Floats, NumpyOps, PlaneTree, Tensor, TensorOps

MEANS = GEOGRAPHY.averaged
LOG_OFFSET = np.float32(0.1)
INCOME = FEATURE_NAMES.index(GEOGRAPHY.alike)
_ROWS_OF_A_LEAF = 16
_CANDIDATES = 160
_JITTER_KM = 0.6 * GRID_KM


@dataclass(frozen=True, slots=True)
class RowTable:
    """Training rows as neighbours.

    Attributes:
        places: Locations, float32 ``[m, 2]``, in km.
        prices: Prices, float32 ``[m]``.
        log_income: Logarithm of the income, float32 ``[m]``.
        means: Attributes that are averaged over the closest, float32 ``[m, 4]``.
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
    """A partition of the plane, with the candidate neighbours of each region.

    Attributes:
        tree: Finds the region of a point.
        candidates: Rows nearest to each region, int32 ``[regions, c]``, ascending.
        east: Their coordinates, float32 ``[regions, c]``: a graph gathers a line of a table faster
            than as many single rows.
        north: The same for the other axis.
    """

    tree: PlaneTree
    candidates: NDArray[np.int32]
    east: Floats
    north: Floats


def table_of(rows: Floats, prices: Values, *, seed: int) -> RowTable:
    """Build a table of m rows.

    Many rows share the same hundredth of a degree. A jitter, fixed in the table, separates them, so
    that the choice of the k nearest does not depend on the last bit.
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
    """Partition rows recursively by the median of the wider axis."""
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
    axes = np.ascontiguousarray(table.places.T)
    candidates = np.stack([_nearest_to(axes, members, count) for members in level])
    tree = PlaneTree(np.array(axis, np.int64), np.array(threshold, np.float32))
    east, north = (table.places[candidates, axis] for axis in (0, 1))
    return Regions(tree, candidates.astype(np.int32), east, north)


def _nearest_to(axes: Floats, members: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the rows nearest to the bounding box of some rows, ascending.

    Args:
        axes: Locations of all m rows by axis, ``[2, m]``: one axis at a time takes half the time.
        members: The rows in the box.
        count: How many rows to return.
    """
    distances = np.zeros(axes.shape[1], np.float32)
    for axis in axes:
        low, high = axis[members].min(), axis[members].max()
        beyond = np.maximum(low - axis, axis - high)
        np.maximum(beyond, np.float32(0), out=beyond)
        distances += beyond * beyond
    return np.sort(np.argpartition(distances, count - 1)[:count])


def nearest_rows(
    ops: TensorOps, places: Tensor, regions: Regions, most: int
) -> tuple[Tensor, Tensor]:
    """Find the k nearest rows of points, ``[n, 2]``: squared distances and rows, ``[n, k]``."""
    leaf = ops.leaf(places, regions.tree)
    east = ops.take(regions.east, leaf, axis=0) - ops.take(places, [0], axis=1)
    north = ops.take(regions.north, leaf, axis=0) - ops.take(places, [1], axis=1)
    count = min(most, regions.candidates.shape[1])
    squares, positions = ops.nearest(east * east + north * north, count)
    return squares, ops.take_along_axis(
        ops.take(regions.candidates, leaf, axis=0), positions, axis=1
    )


NEAREST = "km_to_nearest"
_COUNTS = (3, 5, 10, 20, 50)
_BANDWIDTHS = (0.15, 0.4)
_MOST = max(_COUNTS)
_CLOSE = 10
_NEVER_ZERO = np.float32(1e-9)
_CHUNK_ROWS = 8_192

NEIGHBOUR_NAMES: tuple[str, ...] = (
    NEAREST,
    *(f"price_of_{count}" for count in _COUNTS),
    "log_km_to_5th",
    "log_km_to_20th",
    "price_std_of_10",
    "price_min_of_10",
    "price_max_of_10",
    *(f"price_at_income_{bandwidth}" for bandwidth in _BANDWIDTHS),
    *(f"{name}_of_10" for name in MEANS),
    "price_per_income_of_10",
)


def neighbour_features(  # noqa: PLR0913, PLR0917 - a formula's variables
    ops: TensorOps,
    rows: Tensor,
    squares: Tensor,
    neighbours: Tensor,
    table: RowTable,
    count: int,
) -> Tensor:
    """Return ``NEIGHBOUR_NAMES`` of rows, ``[n, 8]``, given their k nearest rows."""
    kilometres = ops.sqrt(squares)
    weights = np.float32(1) / (ops.astype(kilometres, np.float64) + np.float32(1))
    paid = ops.entries(table.prices, neighbours, count)
    close = paid[:, :_CLOSE]
    prices = ops.astype(paid, np.float64)
    weighted = weights * prices
    within = _within(count)
    farther = ops.take(kilometres, [min(place, count) - 1 for place in (5, 20)], axis=1)
    own_income = ops.log(ops.astype(ops.take(rows, [INCOME], axis=1), np.float64) + LOG_OFFSET)
    apart = ops.astype(ops.entries(table.log_income, neighbours, count), np.float64) - own_income
    squared = apart * apart
    kernels = [
        ops.exp(squared * np.float32(-0.5 / bandwidth**2)) * weights + _NEVER_ZERO
        for bandwidth in _BANDWIDTHS
    ]
    means = ops.take(table.means, neighbours[:, :_CLOSE], axis=0)
    return ops.concat(
        [
            ops.take(kilometres, [0], axis=1),
            ops.astype(ops.matmul(weighted, within) / ops.matmul(weights, within), np.float32),
            ops.astype(ops.log(ops.astype(farther, np.float64) + LOG_OFFSET), np.float32),
            ops.astype(_spread(ops, ops.astype(close, np.float64), min(_CLOSE, count)), np.float32),
            ops.min(close, axis=1, keepdims=True),
            ops.max(close, axis=1, keepdims=True),
            *(
                ops.astype(
                    ops.sum(kernel * prices, axis=1, keepdims=True)
                    / ops.sum(kernel, axis=1, keepdims=True),
                    np.float32,
                )
                for kernel in kernels
            ),
            ops.astype(ops.mean(ops.astype(means, np.float64), axis=1), np.float32),
        ],
        axis=1,
    )


def _within(count: int) -> Floats:
    """Return the weights that select the first 3, 5, … of k rows; float32 ``[k, 5]``."""
    places = np.arange(count)[:, np.newaxis]
    return (places < np.array(_COUNTS)).astype(np.float32)


def _spread(ops: TensorOps, values: Tensor, count: int) -> Tensor:
    """Return the standard deviation of each row of ``[n, count]``."""
    share = np.float64(1 / count)
    apart = values - ops.sum(values, axis=1, keepdims=True) * share
    return ops.sqrt(ops.sum(apart * apart, axis=1, keepdims=True) * share)


class NeighbourFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no types
    """The transformer of ``neighbour_features``: float32 ``[n, 8]`` in schema order in.

    ``fit_transform`` is cross-fitted: a row's neighbours are sought among the rows of the other
    folds, or its own price would be among its features.
    """

    def __init__(self, most_rows: int = 20_000, folds: int = 20, seed: int = 0) -> None:
        self.most_rows = most_rows
        self.folds = folds
        self.seed = seed

    def fit(self, rows: Floats, prices: Values) -> Self:
        """Keep the rows, or a random sample of ``most_rows``."""
        self.n_features_in_ = rows.shape[1]
        kept = self._kept(len(rows))
        self.table_ = table_of(rows[kept], prices[kept], seed=self.seed)
        self.regions_ = regions_of(self.table_)
        return self

    def transform(self, rows: Floats) -> Floats:
        """Return the features of n rows that were not fitted on, float32 ``[n, 17]``."""
        check_is_fitted(self, "table_")
        ops = NumpyOps()
        return np.concatenate(
            [
                self.of_points(ops, part, points(ops, part))
                for part in np.array_split(rows, len(rows) // _CHUNK_ROWS + 1)
            ]
        )

    def of_points(self, ops: TensorOps, rows: Tensor, places: Tensor) -> Tensor:
        """Return the features of rows that lie at these points, in arrays or in a graph."""
        squares, neighbours = nearest_rows(ops, places, self.regions_, _MOST)
        count = min(_MOST, self.regions_.candidates.shape[1])
        return neighbour_features(ops, rows, squares, neighbours, self.table_, count)

    def fit_transform(self, rows: Floats, prices: Values) -> Floats:
        """Fit, and return the features of the fitted rows, each from the other folds' rows."""
        features = scratch((len(rows), len(NEIGHBOUR_NAMES)), np.float32)
        self.fit_into(features, rows, prices)
        return features

    def fit_into(self, features: Floats, rows: Floats, prices: Values) -> None:
        """Write what ``fit_transform`` returns into an array, ``[n, 17]``."""
        self.fit(rows, prices)
        kept = self._kept(len(rows))
        is_left = np.ones(len(rows), bool)
        is_left[kept] = False
        self._from_others(features, np.flatnonzero(is_left), kept, rows, prices)
        shuffled = np.random.default_rng(self.seed + 1).permutation(kept)
        for fold in np.array_split(shuffled, min(self.folds, len(kept))):
            self._from_others(features, fold, np.setdiff1d(kept, fold), rows, prices)

    def _kept(self, count: int) -> NDArray[np.int64]:
        """Return the indices of the kept rows: all, or a random sample of ``most_rows``."""
        drawn = np.random.default_rng(self.seed).permutation(count)[: self.most_rows]
        return np.sort(drawn)

    def _from_others(
        self,
        features: Floats,
        asked: NDArray[np.int64],
        others: NDArray[np.int64],
        rows: Floats,
        prices: Values,
    ) -> None:
        """Search other rows for neighbours, exactly: no graph has to reproduce this."""
        if not len(asked):
            return
        ops = NumpyOps()
        table = table_of(rows[others], prices[others], seed=self.seed)
        count = min(_MOST, len(table))
        tree = cKDTree(table.places)
        for part in np.array_split(asked, len(asked) // _CHUNK_ROWS + 1):
            own = rows[part]
            distances, neighbours = tree.query(points(ops, own), k=np.arange(1, count + 1))
            squares = np.square(distances).astype(np.float32)
            features[part] = neighbour_features(ops, own, squares, neighbours, table, count)
            release(features)

    def get_feature_names_out(self, _names: object = None) -> NDArray[np.object_]:
        """Return the names of the columns."""
        return np.array(NEIGHBOUR_NAMES, dtype=object)
