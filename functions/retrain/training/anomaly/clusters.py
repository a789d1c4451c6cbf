"""Merge overlapping windows of a scan into clusters, and find the uploads that caused them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from retrain.training.anomaly.misses import likelihood_ratio
from retrain.training.anomaly.scan import Indices, NewRows, Window
from retrain.training.dataset.rows import Values

_MOST_CLUSTERS = 200
_MOST_WINDOWS = 5_000
_COVERED_SHARE = 0.5
_SHARED_SHARE = 0.2
_LEAST_RATIO = 0.8
"""Log likelihood ratio from which an upload has contributed to a cluster.

One large miss reaches it, as in a slow poisoning; one small miss among several rows does not.
"""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster of misses among new rows.

    Attributes:
        window: The best window of it.
        rows: All rows of it, which may be more than the window's.
        misses: Rows that are misses of the window's side and size.
        expected: Expected number of misses by chance.
        uploads: Uploads that caused it.
    """

    window: Window
    rows: Indices
    misses: Indices
    expected: float
    uploads: Indices

    def moved(self, numbers: Indices) -> "Cluster":
        """Return the cluster with its rows renumbered."""
        return replace(self, rows=numbers[self.rows], misses=numbers[self.misses])


def clusters_of(windows: Sequence[Window], new: NewRows) -> list[Cluster]:
    """Merge windows, the best first; drop those that a better one explains."""
    kept: list[Window] = []
    is_covered = np.zeros(len(new), dtype=bool)
    by_score = sorted(windows, key=lambda window: -window.score)
    for window in by_score[:_MOST_WINDOWS]:
        misses = window.rows[new.are_misses(window.rows, window.side, window.size)]
        if is_covered[misses].mean() >= _COVERED_SHARE:
            continue
        is_covered[misses] = True
        for number, other in enumerate(kept):
            if _are_one(window, other):
                kept[number] = replace(other, rows=np.union1d(other.rows, window.rows))
                break
        else:
            kept.append(window)
        if len(kept) == _MOST_CLUSTERS:
            break
    return [_cluster(window, new) for window in kept]


def contributors(count: Values, expected: Values) -> Indices:
    """Return the uploads that caused a cluster.

    Args:
        count: Misses of each upload in it, ``[uploads]``.
        expected: Expected misses by chance.
    """
    ratio = likelihood_ratio(count, expected)
    made = np.flatnonzero(ratio >= _LEAST_RATIO)
    return made if len(made) else np.flatnonzero(ratio == ratio.max())


def _are_one(window: Window, other: Window) -> bool:
    is_alike = (window.side, window.is_near) == (other.side, other.is_near)
    return is_alike and bool(np.isin(window.rows, other.rows).mean() >= _SHARED_SHARE)


def _cluster(window: Window, new: NewRows) -> Cluster:
    misses = window.rows[new.are_misses(window.rows, window.side, window.size)]
    uploads = len(new.rates)
    rates = new.rates[:, window.side, window.size]
    rows = np.bincount(new.uploads[window.rows], minlength=uploads)
    count = np.bincount(new.uploads[misses], minlength=uploads)
    return Cluster(
        window=window,
        rows=window.rows,
        misses=misses,
        expected=float(rows @ rates),
        uploads=contributors(count.astype(np.float64), rows * rates),
    )
