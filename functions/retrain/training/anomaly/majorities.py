"""Places where most new rows miss to one side, among rows that the champion knows well.

``scan`` allows for errors that hang together, and so passes 20 misses among 50 rows of a town.
Where the champion knows many rows of the same place, half of ten rows or more lie outside its
interval to one side in hardly any honest upload, so that binomial chances do.
"""

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import binom

from retrain.training.anomaly.misses import ABOVE, BELOW, LIMIT
from retrain.training.anomaly.scan import (
    NewRows,
    Scan,
    Window,
    centres_of,
    chunks_of,
)
from retrain.training.dataset.rows import Values

_COUNTS = (10, 20, 30, 50, 100)
_LEAST_KNOWN = 0.4
"""Least number of known rows per new row in a window. A region that is new to the champion has
fewer, and its rows miss together because the champion does not know the region."""
LEAST_JUDGING = 1_000
"""Least number of held-out rows. A champion with few rows is wrong in whole towns."""
_SCORE_LESS = 0.5
"""Subtracted, so that the limit of 3.5 is a score of 4: honest uploads reached 2.7."""
_MOST_CENTRES = 25_000


def scan_majorities(new: NewRows, points: Values, known: Values, *, limit: float) -> Scan:
    """Scan the 10 to 100 rows nearest to each row that is a miss.

    Args:
        new: The n rows.
        points: Where they lie, ``[n, 2]``.
        known: Where the rows lie that the champion knows, ``[m, 2]``.
        limit: Score from which on a window is returned.
    """
    counts = np.array([count for count in _COUNTS if count <= len(new)])
    if not len(counts):
        return Scan(-np.inf, [])
    penalty = np.log10(2 * len(new) * len(_COUNTS)) + _SCORE_LESS
    tree, tree_of_known = cKDTree(points), cKDTree(known)
    best, kept = -np.inf, []
    for centres in chunks_of(centres_of(new, _MOST_CENTRES)):
        apart, near = tree.query(points[centres], np.arange(1, counts[-1] + 1))
        for side in (BELOW, ABOVE):
            misses = new.are_misses(near.ravel(), side, LIMIT).reshape(near.shape)
            counted = misses.cumsum(axis=1)[:, counts - 1]
            rates = new.rates[new.uploads[near], side, LIMIT]
            chance = rates.cumsum(axis=1)[:, counts - 1] / counts
            row, size = np.nonzero(2 * counted >= counts)
            reach = apart[row, counts[size] - 1]
            lie_within = tree_of_known.query_ball_point(
                points[centres[row]], reach, return_length=True
            )
            is_known = lie_within >= _LEAST_KNOWN * counts[size]
            row, size = row[is_known], size[is_known]
            by_chance = binom.logsf(counted[row, size] - 1, counts[size], chance[row, size])
            scores = -by_chance / np.log(10) - penalty
            best = max(best, float(scores.max(initial=-np.inf)))
            kept += [
                Window(float(score), side, LIMIT, near[at, : counts[column]].copy(), is_near=True)
                for at, column, score in zip(row, size, scores, strict=True)
                if score >= limit
            ]
    return Scan(best, kept)
