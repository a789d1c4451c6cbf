"""Occurrences: numbers of the rows with equal features, where a table may repeat them.

A table of few categories holds many rows with the same features, and each is an observation. The
k-th row of an upload with some features is the k-th of the data set, whatever file it comes in: an
upload that comes again adds nothing, one with other targets revises, and one with more rows of the
same features adds those beyond. Rows with the same target, which rounding may have changed, are
matched first.
"""

import numpy as np
from numpy.typing import NDArray

from retrain.training.dataset.identity import (
    NONE,
    Indices,
    PointIndex,
    firsts_of,
    grouped,
    positions,
    target_positions,
)
from retrain.training.dataset.rows import Values, hash_rows

_APART = 128.0
"""Distance of two occurrences of the same features."""
_WITHIN = 1.0 + 1e-9


class Occurrences:
    """Numbers of the rows so far among those with the same features."""

    def __init__(self) -> None:
        """Start without rows."""
        self._index = PointIndex()
        self._points: list[Values] = []
        self._groups = 0
        self._group = np.empty(0, np.int64)
        self._number = np.empty(0, np.int64)
        self._target = np.empty(0)

    def positions(self, rows: Values) -> Values:
        """Return points of the rows of an upload; two rows are the same if their points are equal.

        Args:
            rows: Canonical rows, ``[n, columns]``; they count as added.

        Returns:
            Position of the features, and behind them the occurrence, ``[n, features + 1]``.
        """
        group = self._groups_of(positions(rows))
        target = target_positions(rows[:, -1])
        stored = np.flatnonzero(np.isin(self._group, group))
        is_same, partner = _matched(self._group[stored], self._target[stored], group, target)
        is_there = partner != NONE
        number = np.empty(len(rows), np.int64)
        number[is_there] = self._number[stored[partner[is_there]]]
        revised = is_there & ~is_same
        self._target[stored[partner[revised]]] = target[revised]
        self._append(group, number, target, ~is_there)
        features = np.concatenate(self._points)[group] if len(rows) else positions(rows)
        return np.column_stack([features, number * _APART])

    def _groups_of(self, points: Values) -> Indices:
        """Return the group of equal features that each point belongs to, ``[n]``."""
        _, first, inverse = np.unique(
            hash_rows(points)[:, 0], return_index=True, return_inverse=True
        )
        group = self._index.find(points[first])
        is_new = group == NONE
        if is_new.any():
            fresh = points[first[is_new]]
            labels = grouped(fresh)
            group[is_new] = self._groups + labels
            self._points.append(fresh[firsts_of(labels)])
            self._index.add(self._points[-1])
            self._groups += len(self._points[-1])
        return group[inverse]

    def _append(
        self, group: Indices, number: Indices, target: Values, is_new: NDArray[np.bool_]
    ) -> None:
        """Number new rows behind those of their groups, and keep them."""
        before = np.bincount(self._group, minlength=self._groups)
        new = np.flatnonzero(is_new)
        number[new] = before[group[new]] + _ranks(group[new])
        self._group = np.concatenate([self._group, group[new]])
        self._number = np.concatenate([self._number, number[new]])
        self._target = np.concatenate([self._target, target[new]])


def _ranks(group: Indices) -> Indices:
    """Count the earlier rows of each row's group, ``[n]``."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    rank = np.empty(len(group), np.int64)
    rank[order] = np.arange(len(group)) - np.searchsorted(ordered, ordered)
    return rank


def _matched(
    stored_group: Indices, stored_target: Values, group: Indices, target: Values
) -> tuple[NDArray[np.bool_], Indices]:
    """Match rows to stored ones of their group: first those of one target, then the others.

    Returns:
        Mask of rows that were matched by their target, and the stored row of each; ``NONE`` where
        a group has no stored row left.
    """
    partner = np.full(len(group), NONE, np.int64)
    olds = np.lexsort((stored_target, stored_group))
    news = np.lexsort((target, group))
    old_keys = list(zip(stored_group[olds].tolist(), stored_target[olds].tolist(), strict=True))
    new_keys = list(zip(group[news].tolist(), target[news].tolist(), strict=True))
    old = new = 0
    while old < len(olds) and new < len(news):
        (group_1, target_1), (group_2, target_2) = old_keys[old], new_keys[new]
        if group_1 == group_2 and abs(target_1 - target_2) <= _WITHIN:
            partner[news[new]] = olds[old]
            old, new = old + 1, new + 1
        elif old_keys[old] < new_keys[new]:
            old += 1
        else:
            new += 1
    is_same = partner != NONE
    olds = olds[~np.isin(olds, partner[is_same])]
    news = news[~is_same[news]]
    # The k-th of what is left in a group is the k-th that was there.
    keys = {
        key: int(row)
        for key, row in zip(
            zip(stored_group[olds].tolist(), _ranks(stored_group[olds]).tolist(), strict=True),
            olds.tolist(),
            strict=True,
        )
    }
    ranks = zip(group[news].tolist(), _ranks(group[news]).tolist(), strict=True)
    partner[news] = [keys.get(key, NONE) for key in ranks]
    return is_same, partner
