"""Misses: distances of new prices from the champion's, in half intervals, and their chance rates.

A price is a miss of size s if it is s times as far from the champion's price as that limit of the
interval. Chance rates of each size are measured on the champion's held-out rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain.training.dataset.rows import Values
from retrain.training.model.evaluation import Predictions

SIZES = np.array([0.5, 0.75, 1.0, 1.5, 2.0, 3.0])
"""Thresholds for counting misses: many small ones are as significant as a few large ones."""
BELOW, ABOVE, EITHER = 0, 1, 2
LIMIT = int(np.flatnonzero(SIZES == 1)[0])
"""Index of the size from which misses are outside the interval."""

_LEAST_SHARE_OF_PRICE = 0.1
"""Minimum half width of an interval: at capped prices it is narrower than a noise of 10 %, and
honest rows looked wrong there."""
_LEAST_SHARE_OF_SPREAD = 0.04
_ROWS_OF_A_BAND = 40
_ROWS_OF_ALL = 5
"""Pseudo-rows with the overall rates that are added to each band: smooths small bands."""
_MOST_BANDS = 10
_HIGHEST_RATE = 0.95


@dataclass(frozen=True, slots=True)
class Misses:
    """The misses of n rows.

    Attributes:
        size: Sizes, negative below the champion's price, ``[n]``.
        level: Number of ``SIZES`` that each exceeds, ``[n]``.
    """

    size: Values
    level: NDArray[np.int8]

    @classmethod
    def of(cls, size: Values) -> "Misses":
        """Compute the levels of sizes."""
        return cls(size, np.searchsorted(SIZES, np.abs(size), side="left").astype(np.int8))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.size)

    def on(self, side: int) -> NDArray[np.bool_]:
        """Return the mask of rows on a side of the champion's price."""
        if side == EITHER:
            return np.ones(len(self.size), dtype=bool)
        lies: NDArray[np.bool_] = self.size < 0 if side == BELOW else self.size > 0
        return lies

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Misses":
        """Return the misses of some rows, by mask or number."""
        return Misses(self.size[rows], self.level[rows])


def miss_sizes(prices: Values, predicted: Predictions, *, dearest: float, spread: float) -> Values:
    """Return the size of each price's miss, negative below the champion's price, ``[n]``.

    Args:
        prices: The true ones.
        predicted: The champion's prices and intervals.
        dearest: Upper bound of its limits. A limit that was cut there is not informative, so the
            lower half interval is used for the upper one.
        spread: Standard deviation of the known prices.
    """
    least = np.maximum(
        _LEAST_SHARE_OF_PRICE * np.abs(predicted.price), _LEAST_SHARE_OF_SPREAD * spread
    )
    least = np.maximum(least, np.finfo(np.float64).tiny)
    below = np.maximum(predicted.price - predicted.lower, least)
    above = np.maximum(predicted.upper - predicted.price, least)
    is_cut = predicted.upper >= dearest - 1e-6 * abs(dearest)
    above = np.where(is_cut, np.maximum(above, below), above)
    apart = prices - predicted.price
    sizes: Values = apart / np.where(apart < 0, below, above)
    return sizes


@dataclass(frozen=True, slots=True)
class MissRates:
    """Rates of misses by chance, by side and size.

    Expensive rows are missed above more often than others, cheap ones below, so that an honest
    upload of expensive rows has more misses. Rates are therefore kept by band of true price, and an
    upload is compared with the mean over the bands of its rows.

    Attributes:
        overall: ``[2, sizes]``.
        edges: True prices between the bands, ``[b - 1]``, ascending.
        of_band: ``[2, sizes, b]``.
    """

    overall: Values
    edges: Values
    of_band: Values

    @classmethod
    def measured(cls, misses: Misses, prices: Values) -> "MissRates":
        """Measure on rows that the champion was not fitted on."""
        bands = int(np.clip(len(prices) // _ROWS_OF_A_BAND, 1, _MOST_BANDS))
        edges = np.unique(np.quantile(prices, np.linspace(0, 1, bands + 1)[1:-1]))
        band = np.searchsorted(edges, prices, side="left")
        overall = _rates(misses)
        of_band = []
        for number in range(len(edges) + 1):
            counts = _larger(misses.take(band == number))
            rows = np.count_nonzero(band == number)
            of_band.append((counts + _ROWS_OF_ALL * overall) / (rows + _ROWS_OF_ALL))
        return cls(overall, edges, np.stack(of_band, axis=2))

    def of_uploads(self, prices: Values, uploads: NDArray[np.int64], count: int) -> Values:
        """Return the chance rates of each upload's rows, ``[uploads, 3, sizes]``.

        Args:
            prices: True prices of the new rows, ``[n]``.
            uploads: Upload of each row, ``[n]``, below ``count``.
            count: Number of uploads.
        """
        bands = len(self.edges) + 1
        band = np.searchsorted(self.edges, prices, side="left")
        rows = np.bincount(uploads * bands + band, minlength=count * bands).reshape(count, bands)
        shares = rows / np.maximum(1, rows.sum(axis=1, keepdims=True))
        mean = np.einsum("ub,stb->ust", shares, self.of_band)
        sides = np.maximum(mean, self.overall)
        both = sides.sum(axis=1, keepdims=True)
        rates: Values = np.minimum(np.concatenate([sides, both], axis=1), _HIGHEST_RATE)
        return rates


def _rates(misses: Misses) -> Values:
    """Return an upper estimate of the share of misses by side and size."""
    counts = _larger(misses) + 2 / 3
    rates: Values = (counts + np.sqrt(counts)) / (len(misses) + 4 / 3)
    return rates


def _larger(misses: Misses) -> Values:
    """Count the misses by side, ``BELOW`` and ``ABOVE``, and size, ``[2, sizes]``."""
    counts = np.empty((2, len(SIZES)))
    for side in (BELOW, ABOVE):
        levels = np.bincount(misses.level[misses.on(side)], minlength=len(SIZES) + 1)
        counts[side] = levels[::-1].cumsum()[::-1][1:]
    return counts


def likelihood_ratio(count: Values, expected: Values) -> Values:
    """Return the decimal log likelihood ratio of Poisson counts against their expectation.

    It is 0 for counts that are not above the expectation. Ten to the power of minus this is also
    Chernoff's bound of the probability of such a count.
    """
    count, expected = np.broadcast_arrays(count, expected)
    ratio = np.zeros(count.shape)
    is_more = count > expected
    more, chance = count[is_more], expected[is_more]
    ratio[is_more] = (more * np.log(more / chance) - (more - chance)) / np.log(10)
    return ratio
