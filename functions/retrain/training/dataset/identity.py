"""Row identity: two rows that differ by rounding alone are one row.

Each feature is warped so that a difference of 1 is its tolerance: linear near zero, where the
tolerance is absolute, and logarithmic beyond, where it is a share of the value. Two rows are the
same where all warped features lie within 1 of each other (maximum norm), which a KD-tree finds.
A near copy may be ten times as far in a feature, and three times as far in place. Categories,
booleans and features without a tolerance have to be equal: other values are far apart. A missing
value is equal to a missing one alone.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from housing.schema import FEATURES, PLACE, REPEATS, SAME_SHARE, TARGET
from housing.subject import Column
from retrain.training.dataset.rows import Values, hash_rows

Indices = NDArray[np.int64]

NONE = -1
_NEAR_FEATURE, _NEAR_PLACE = 10.0, 3.1  # places to .1 degree are near copies, too
_NEAR = np.array([_NEAR_PLACE if column.name in PLACE else _NEAR_FEATURE for column in FEATURES])
_WITHIN = 1.0 + 1e-9  # the tree's bound excludes, and so does not forgive the last bit
_GROUPED_NEIGHBOURS = 8
_ASKED_AT_ONCE = 1 << 16
_CELL = 64.0
_FAR = 128.0
"""Distance of two values that are not equal where they have to be: near copies are not as far."""
_MISSING = 1e8
"""Position of a missing number, beyond every warped one."""
_SCATTERED_BITS = 20  # of 64: what is left times _FAR is exact in a float64
_ODD = np.uint64(0x9E3779B97F4A7C15)  # the golden ratio, as Fibonacci hashing takes it


def positions(values: Values) -> Values:
    """Map rows to points; two rows are the same if their points are at most 1 apart.

    Args:
        values: Canonical rows, ``[n, features]``; a target column behind them is ignored.

    Returns:
        Warped features, float64 ``[n, features]``.
    """
    warped: Values = np.column_stack(
        [_warped(values[:, number], column) for number, column in enumerate(FEATURES)]
    )
    return warped


def near_positions(points: Values) -> Values:
    """Scale positions; two rows are near copies if their scaled points are at most 1 apart."""
    scaled: Values = points / _NEAR
    return scaled


def target_positions(targets: Values) -> Values:
    """Map targets to points; two targets differ by rounding only if these are at most 1 apart."""
    return _warped(targets, TARGET)


def is_same_target(first: Values, second: Values) -> NDArray[np.bool_]:
    """Return the mask of pairs of targets that differ by rounding only, ``[n]``."""
    apart = np.abs(target_positions(first) - target_positions(second))
    same: NDArray[np.bool_] = apart <= _WITHIN
    return same


def grouped(points: Values) -> Indices:
    """Number the groups of points that are linked by distances of at most 1, ``[n]``.

    A point is linked to at most its nearest seven, so that a million equal points take linear
    time. Groups are numbered by their first point, in order.
    """
    if not REPEATS:
        return _linked(points)
    _, first, place = np.unique(hash_rows(points)[:, 0], return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return _linked(points[first[order]])[rank[place]]


def _linked(points: Values) -> Indices:
    count = len(points)
    if count < 2:  # noqa: PLR2004 - a single point is a group
        return np.arange(count, dtype=np.int64)
    neighbours = min(_GROUPED_NEIGHBOURS, count)
    tree, firsts, seconds = cKDTree(points), [], []
    for start in range(0, count, _ASKED_AT_ONCE):
        asked = points[start : start + _ASKED_AT_ONCE]
        _, near = tree.query(asked, neighbours, p=np.inf, distance_upper_bound=_WITHIN)
        first = np.repeat(np.arange(start, start + len(asked)), neighbours)
        second = near.ravel()
        is_link = (second < count) & (second != first)
        firsts.append(first[is_link])
        seconds.append(second[is_link])
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    if not len(first):
        return np.arange(count, dtype=np.int64)
    links = coo_array((np.ones(len(first), bool), (first, second)), (count,) * 2)
    _, labels = connected_components(links, directed=False)
    _, first_of_label, numbers = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first_of_label), np.int64)
    rank[np.argsort(first_of_label)] = np.arange(len(first_of_label))
    return rank[numbers]


def firsts_of(groups: Indices) -> Indices:
    """Return the first member of each group, in order."""
    is_first = np.ones(len(groups), dtype=bool)
    is_first[1:] = groups[1:] > np.maximum.accumulate(groups)[:-1]
    return np.flatnonzero(is_first)


class PointIndex:
    """Growing index: finds a point within a distance of 1, by the maximum norm.

    Points are kept in tables of decreasing size; a new table merges those that are not larger, so
    that n points in any number of additions cost O(n log² n).
    """

    def __init__(self) -> None:
        self._tables: list[_Table] = []
        self._waiting: list[Values] = []
        self._count = 0

    def add(self, points: Values) -> None:
        """Add points, ``[n, d]``; their numbers continue those of earlier points."""
        if len(points):
            self._waiting.append(points)
            self._count += len(points)

    def find(self, points: Values) -> Indices:
        """Return the number of a point within 1 of each, ``[n]``; ``NONE`` without one."""
        self._settle()
        number = np.full(len(points), NONE, dtype=np.int64)
        for table in self._tables:
            missing = np.flatnonzero(number == NONE)
            number[missing] = table.find(points[missing])
        return number

    def _settle(self) -> None:
        """Move the added points into tables."""
        if not self._waiting:
            return
        points = self._waiting[0] if len(self._waiting) == 1 else np.concatenate(self._waiting)
        numbers = np.arange(self._count - len(points), self._count, dtype=np.int64)
        self._waiting = []
        while self._tables and len(self._tables[-1].points) <= len(points):
            earlier = self._tables.pop()
            points = np.concatenate([earlier.points, points])
            numbers = np.concatenate([earlier.numbers, numbers])
        self._tables.append(_Table(points, numbers))


class _Table:
    """Points that are looked up by their cell, else by a KD-tree.

    A point and its twin share a cell in 98 % of the cases, and a sorted table of cells is faster
    than a tree: 1.7 s of processor time instead of 2.8 s for a million in a million.
    """

    def __init__(self, points: Values, numbers: Indices) -> None:
        self.points = points
        self.numbers = numbers
        cells = _cells(points)
        self._order = np.argsort(cells)
        self._sorted = cells[self._order]
        self._tree: cKDTree | None = None

    def find(self, points: Values) -> Indices:
        number = np.full(len(points), NONE, dtype=np.int64)
        cells = _cells(points)
        queue = np.argsort(cells)
        place = np.minimum(np.searchsorted(self._sorted, cells[queue]), len(self._sorted) - 1)
        shares = self._sorted[place] == cells[queue]
        asked, at = queue[shares], self._order[place[shares]]
        is_near = (np.abs(self.points[at] - points[asked]) <= _WITHIN).all(axis=1)
        number[asked[is_near]] = self.numbers[at[is_near]]
        missing = np.flatnonzero(number == NONE)
        if len(missing):
            number[missing] = self._find_in_tree(points[missing])
        return number

    def _find_in_tree(self, points: Values) -> Indices:
        if self._tree is None:
            self._tree = cKDTree(self.points, balanced_tree=False, compact_nodes=False)
        _, at = self._tree.query(points, 1, p=np.inf, distance_upper_bound=_WITHIN)
        number = np.full(len(points), NONE, dtype=np.int64)
        is_near = at < len(self.points)
        number[is_near] = self.numbers[at[is_near]]
        return number


def _cells(points: Values) -> NDArray[np.uint64]:
    """Hash the cell, 64 tolerances wide, of each point, ``[n]``."""
    hashed = np.zeros(len(points), dtype=np.uint64)
    for column in points.T:
        hashed *= _ODD
        hashed += np.floor(column / _CELL).astype(np.int64).view(np.uint64)
    return hashed


def _warped(values: Values, column: Column) -> Values:
    if column.kind in {"category", "boolean"}:
        return np.where(np.isnan(values), -1.0, values) * _FAR
    if column.tolerance == 0:
        return _scattered(values)
    sizes = np.abs(values) / column.tolerance
    bend = 1 / SAME_SHARE
    is_beyond = sizes > bend
    sizes[is_beyond] = bend + np.log(sizes[is_beyond] / bend) * bend
    warped = np.copysign(sizes, values)
    if column.optional:
        warped[np.isnan(values)] = _MISSING
    return warped


def _scattered(values: Values) -> Values:
    """Map equal values to one point, and others far apart: a hash of the value."""
    plain = np.where(np.isnan(values), np.nan, values + 0.0)
    half = hash_rows(plain[:, np.newaxis])[:, 0] >> np.uint64(_SCATTERED_BITS)
    return half.astype(np.float64) * _FAR
