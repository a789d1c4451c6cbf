"""Shifts of whole uploads: prices that lie a little off the champion's, most of them to one side.

A market that rises by 8 % makes few misses, and a window of few rows says little of it; the mean
over an upload says much. How far such means lie off by chance follows from the champion's own
held-out rows: from the variance of their errors, and from how these hang together over the distance
between rows, by which a hundred rows of one town count as far fewer than a hundred of the state.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import log_ndtr

from retrain.training.anomaly.misses import ABOVE, BELOW, SIZES, Misses, likelihood_ratio
from retrain.training.anomaly.scan import Indices, NewRows, Scan, Window
from retrain.training.dataset.rows import Values

_LEAST_ROWS = 30
"""Of an upload: fewer in one place came up to a score of 3.4, and windows see those."""
_LARGEST = 2.0
"""No row counts as farther off, in half intervals: one wrong price shifts nothing."""
_HONEST_SHIFT = 0.05
"""Standard deviation of the shifts that uploads of a kind have, in half intervals."""
_TOGETHER = 2.0
"""The mean of a band has so many times the variance that independent errors would give it."""
_ROWS_OF_A_BAND = 40
_MOST_BANDS = 10
_DISTANCE_SHARES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Of all pairs of rows, by distance: between these their correlation is measured."""
_LEAST_RATIO = 1.0
"""Of the likelihood that misses of some size come more often, in powers of ten."""
_MOST_JUDGING = 3_000
_MOST_PAIRED = 700
_SEED = 0


@dataclass(frozen=True, slots=True)
class Baseline:
    """Offsets of the champion's held-out rows from its prices, in half intervals.

    Cheap rows lie below its prices and dear ones above, so that an offset is compared with the mean
    of rows of the same price.

    Attributes:
        at: Median price of each band, ``[b]``, rising.
        mean: Mean offset of its rows, ``[b]``.
        rows: Number of its rows, ``[b]``.
        variance: Of an offset around that mean.
        edges: Distances between the bins of ``correlation``, rising, ``[d - 1]``.
        correlation: Of two offsets, by distance, ``[d]``.
    """

    at: Values
    mean: Values
    rows: Values
    variance: float
    edges: Values
    correlation: Values

    @classmethod
    def measured(cls, misses: Misses, prices: Values, points: Values) -> "Baseline":
        """Measure on rows that the champion was not fitted on.

        Args:
            misses: Their offsets.
            prices: Their true prices, ``[n]``.
            points: Where they lie, ``[n, m]``: in place, or among rows that are alike.
        """
        offsets = np.clip(misses.size, -_LARGEST, _LARGEST)
        bands = int(np.clip(len(prices) // _ROWS_OF_A_BAND, 1, _MOST_BANDS))
        cuts = np.unique(np.quantile(prices, np.linspace(0, 1, bands + 1)[1:-1]))
        band = np.searchsorted(cuts, prices, side="left")
        parts = [np.flatnonzero(band == number) for number in np.unique(band)]
        at = np.array([np.median(prices[part]) for part in parts])
        mean = np.array([offsets[part].mean() for part in parts])
        apart = offsets - np.interp(prices, at, mean)
        variance = float(apart @ apart) / max(1, len(apart) - bands)
        rows = _drawn(len(apart), _MOST_JUDGING)
        first, second = np.triu_indices(len(rows), 1)
        distances = cdist(points[rows], points[rows])[first, second]
        edges = np.quantile(distances, _DISTANCE_SHARES) if len(distances) else np.empty(0)
        products = apart[rows][first] * apart[rows][second]
        number = np.searchsorted(edges, distances, side="right")
        pairs = np.bincount(number, minlength=len(edges) + 1)
        sums = np.bincount(number, products, minlength=len(edges) + 1)
        scale = np.maximum(1, pairs) * max(variance, np.finfo(np.float64).tiny)
        rows_of_bands = np.array([len(part) for part in parts], dtype=np.float64)
        return cls(at, mean, rows_of_bands, variance, edges, np.clip(sums / scale, 0, 1))

    def chance(self, offsets: Values, prices: Values, points: Values) -> tuple[float, float]:
        """Return how far the mean of n offsets lies off, and by which deviation it does by chance.

        Args:
            offsets: In half intervals, ``[n]``, at least two.
            prices: True prices, ``[n]``.
            points: Where the rows lie, ``[n, m]``.
        """
        shift = float((offsets - np.interp(prices, self.at, self.mean)).mean())
        rows = _drawn(len(offsets), _MOST_PAIRED)
        distances = cdist(points[rows], points[rows])[np.triu_indices(len(rows), 1)]
        number = np.searchsorted(self.edges, distances, side="right")
        together = float(self.correlation[number].mean())
        count = len(offsets)
        variance = self.variance * (1 + (count - 1) * together) / count
        band = np.searchsorted((self.at[1:] + self.at[:-1]) / 2, prices)
        shares = np.bincount(band, minlength=len(self.at)) / count
        of_means = _TOGETHER * self.variance * float((shares**2 / self.rows).sum())
        return shift, float(np.sqrt(variance + of_means + _HONEST_SHIFT**2))


def scan_shifts(
    new: NewRows, prices: Values, points: Values, baseline: Baseline, *, limit: float
) -> Scan:
    """Scan the uploads of at least 30 rows, and all rows together.

    Args:
        new: The n rows.
        prices: Their true prices, ``[n]``.
        points: Where they lie, ``[n, m]``, as those of the baseline.
        baseline: What chance does.
        limit: Score from which on a window is returned.
    """
    offsets = np.clip(new.misses.size, -_LARGEST, _LARGEST)
    groups = [rows for rows in _groups(new) if len(rows) >= _LEAST_ROWS]
    best, kept = -np.inf, []
    for rows in groups:
        shift, deviation = baseline.chance(offsets[rows], prices[rows], points[rows])
        off = abs(shift) / deviation * np.sqrt(new.weights[rows].mean())
        score = float(-(log_ndtr(-off) + np.log(2 * len(groups))) / np.log(10))
        window = _window(new, rows, BELOW if shift < 0 else ABOVE, score)
        if window is None:
            continue
        best = max(best, score)
        if score >= limit:
            kept.append(window)
    return Scan(best, kept)


def _groups(new: NewRows) -> Iterator[Indices]:
    numbers = np.unique(new.uploads)
    if len(numbers) > 1:
        yield np.arange(len(new))
    yield from (np.flatnonzero(new.uploads == number) for number in numbers)


def _window(new: NewRows, rows: Indices, side: int, score: float) -> Window | None:
    """Return the rows with the size of miss that says most; None where no size says anything.

    Prices that lie within half of the interval contradict nothing.
    """
    counts = np.array([new.are_misses(rows, side, size).sum() for size in range(len(SIZES))])
    ratios = likelihood_ratio(counts, new.rates[new.uploads[rows], side].sum(axis=0))
    return Window(score, side, int(ratios.argmax()), rows) if ratios.max() >= _LEAST_RATIO else None


def _drawn(count: int, most: int) -> Indices:
    return np.random.default_rng(_SEED).permutation(count)[:most]
