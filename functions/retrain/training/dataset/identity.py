"""Row identity: two rows that differ by rounding alone are one row.

Each feature is warped so that a difference of 1 is its tolerance: linear near zero, where the
tolerance is absolute, and logarithmic beyond, where it is a share of the value. Two rows are the
same where all warped features lie within 1 of each other (maximum norm), which a KD-tree finds.
A near copy may be ten times as far in a feature, and three times as far in place.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from housing.schema import FEATURES, PLACE, SAME_SHARE, TARGET, Column
from retrain.training.dataset.rows import Values

Indices = NDArray[np.int64]

NONE = -1
_NEAR_FEATURE, _NEAR_PLACE = 10.0, 3.1  # places to .1 degree are near copies, too
_NEAR = np.array([_NEAR_PLACE if column.name in PLACE else _NEAR_FEATURE for column in FEATURES])
_WITHIN = 1.0 + 1e-9  # the tree's bound excludes, and so does not forgive the last bit
_GROUPED_NEIGHBOURS = 8


def positions(values: Values) -> Values:
    """Return rows as points in which a distance of at most 1 says that two are the same row.

    Args:
        values: Canonical rows, ``[n, features]`` or with the target behind, which is left out.

    Returns:
        Warped features, float64 ``[n, features]``.
    """
    warped: Values = np.column_stack(
        [_warped(values[:, number], column) for number, column in enumerate(FEATURES)]
    )
    return warped


def near_positions(points: Values) -> Values:
    """Scale positions so that a distance of at most 1 says that two rows are near copies."""
    scaled: Values = points / _NEAR
    return scaled


def is_same_target(first: Values, second: Values) -> NDArray[np.bool_]:
    """Tell for each pair of target values, ``[n]``, whether rounding explains their difference."""
    apart = np.abs(_warped(first, TARGET) - _warped(second, TARGET))
    same: NDArray[np.bool_] = apart <= _WITHIN
    return same


def grouped(points: Values) -> Indices:
    """Number the groups of points that are linked by distances of at most 1, ``[n]``.

    A point is linked to its nearest seven at the most, so that a million equal points take linear
    time. Groups are numbered by their first point, in order.
    """
    count = len(points)
    if count < 2:  # noqa: PLR2004 - a single point is a group
        return np.arange(count, dtype=np.int64)
    neighbours = min(_GROUPED_NEIGHBOURS, count)
    _, near = cKDTree(points).query(points, neighbours, p=np.inf, distance_upper_bound=_WITHIN)
    first = np.repeat(np.arange(count), neighbours)
    second = near.ravel()
    is_link = (second < count) & (second != first)
    if not is_link.any():
        return np.arange(count, dtype=np.int64)
    links = coo_array(
        (np.ones(is_link.sum(), bool), (first[is_link], second[is_link])), (count,) * 2
    )
    _, labels = connected_components(links, directed=False)
    _, first_of_label, numbers = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first_of_label), np.int64)
    rank[np.argsort(first_of_label)] = np.arange(len(first_of_label))
    return rank[numbers]


class NearestPoints:
    """An index that grows: the nearest point within a distance of 1, by the maximum norm.

    Points lie in KD-trees of rising size; a new tree swallows those that are no larger than it is,
    so that n points in any number of additions cost O(n log² n).
    """

    def __init__(self) -> None:
        self._trees: list[tuple[cKDTree, Indices]] = []
        self._waiting: list[Values] = []
        self._count = 0

    def add(self, points: Values) -> None:
        """Add points, ``[n, d]``; they are numbered on from those before."""
        if len(points):
            self._waiting.append(points)
            self._count += len(points)

    def nearest(self, points: Values) -> Indices:
        """Return the number of the nearest point to each, ``[n]``; ``NONE`` where none is near."""
        self._settle()
        best = np.full(len(points), np.inf)
        number = np.full(len(points), NONE, dtype=np.int64)
        for tree, numbers in self._trees:
            apart, at = tree.query(points, 1, p=np.inf, distance_upper_bound=_WITHIN)
            is_better = apart < best  # a miss is infinitely far
            best[is_better] = apart[is_better]
            number[is_better] = numbers[at[is_better]]
        return number

    def _settle(self) -> None:
        """Put the points that were added since into trees."""
        if not self._waiting:
            return
        points = np.concatenate(self._waiting)
        numbers = np.arange(self._count - len(points), self._count, dtype=np.int64)
        self._waiting = []
        while self._trees and len(self._trees[-1][1]) <= len(numbers):
            tree, earlier = self._trees.pop()
            points, numbers = (
                np.concatenate([tree.data, points]),
                np.concatenate([earlier, numbers]),
            )
        self._trees.append((cKDTree(points), numbers))


def _warped(values: Values, column: Column) -> Values:
    sizes = np.abs(values) / column.tolerance
    bend = 1 / SAME_SHARE
    beyond = bend + np.log(np.maximum(sizes, bend) / bend) * bend
    return np.copysign(np.where(sizes <= bend, sizes, beyond), values)
