"""Detect shifts of whole uploads: prices that differ slightly from the champion's, on one side.

A market that rises by 8 % makes few misses, which small windows do not show, but the mean over an
upload does. The distribution of such means by chance follows from the champion's held-out rows:
from the variance of their errors, and from its correlation over distance, by which a hundred rows
of one town count far less than a hundred of the state.
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
"""Smallest upload that is scanned: fewer rows at one place reached 3.4, and windows cover them."""
_LARGEST = 2.0
"""Offsets are clipped to this, in half intervals: one wrong price shifts no mean."""
_HONEST_SHIFT = 0.05
"""Standard deviation of honest shifts between uploads, in half intervals."""
_TOGETHER = 2.0
"""Variance of a band's mean, as a multiple of that of independent errors."""
_ROWS_OF_A_BAND = 40
_MOST_BANDS = 10
_DISTANCE_SHARES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Quantiles of pair distances between which the correlation is measured."""
_LEAST_RATIO = 1.0
"""Decimal log likelihood ratio of a size of miss, from which a shift is reported."""
_MOST_JUDGING = 3_000
_MOST_PAIRED = 700
_SEED = 0


@dataclass(frozen=True, slots=True)
class Baseline:
    """Offsets of the champion's held-out rows from its prices, in half intervals.

    Cheap rows tend to be below its prices and expensive ones above, so an offset is compared with
    the mean of rows of the same price.

    Attributes:
        at: Median price of each band, ``[b]``, ascending.
        mean: Mean offset of its rows, ``[b]``.
        rows: Number of its rows, ``[b]``.
        variance: Variance of an offset around that mean.
        edges: Distances between the bins of ``correlation``, ascending, ``[d - 1]``.
        correlation: Correlation of two offsets, by distance, ``[d]``.
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
            points: Their locations in place or in features, ``[n, m]``.
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
        """Return the shift of the mean of n offsets, and its standard deviation by chance.

        Args:
            offsets: In half intervals, ``[n]``, at least two.
            prices: True prices, ``[n]``.
            points: Locations of the rows, ``[n, m]``.
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
        points: Their locations, ``[n, m]``, in the baseline's space.
        baseline: Offsets by chance.
        limit: Smallest score of a returned window.
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
    """Return a window with the most significant size of miss; None if no size is significant.

    Prices within half of the interval are not contradictions.
    """
    counts = np.array([new.are_misses(rows, side, size).sum() for size in range(len(SIZES))])
    ratios = likelihood_ratio(counts, new.rates[new.uploads[rows], side].sum(axis=0))
    return Window(score, side, int(ratios.argmax()), rows) if ratios.max() >= _LEAST_RATIO else None


def _drawn(count: int, most: int) -> Indices:
    return np.random.default_rng(_SEED).permutation(count)[:most]
