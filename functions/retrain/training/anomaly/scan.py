"""Scan statistic for clusters of misses: in place, in features, or in one upload.

A window holds the k new rows around one of them, or the rows of a cell of two columns. Its score is
the likelihood ratio of the spatial scan statistic for Poisson counts (M. Kulldorff, "A spatial scan
statistic", Communications in Statistics 26, 1997), as a decimal logarithm, less the logarithm of
the number of windows (Bonferroni). The ratio is also Chernoff's bound of the probability, so that
a score of 3 occurs by chance in less than one scan of a thousand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from retrain.training.anomaly.misses import ABOVE, BELOW, EITHER, SIZES, Misses, likelihood_ratio
from retrain.training.dataset.rows import Values

Indices = NDArray[np.int64]

_COUNTS = (5, 10, 20, 30, 50, 100, 200)
_FEW_COUNTS = (5, 10, 20, 30, 50)
_SLACK_UP_TO = (5, 20, 50)
_SLACK = np.array([1.5, 1.0, 1.25, 1.5])
"""Multiple of the expected misses that is allowed, by size of a window in place: errors of honest
rows are correlated, those of five in one street and those of a whole town."""
_SLACK_ELSEWHERE = 2.0
"""The same for other windows. Among expensive rows, those that look cheap are missed most often."""
_CELLS_LESS = 1.0
"""Subtracted from the score of cells: honest uploads of expensive rows reached 2.1."""
_CROWD = 10
_WITHOUT_KNOWN = 1 / 3
"""Weight of a row in a gap of the known ones: without it an honest new region scored 11."""
_CENTRE_LEVEL = 2
_MOST_CENTRES = 25_000
_CENTRE_SHARE = 0.25
_MOST_FEW_CENTRES = 5_000
_APPROXIMATION = 1.0
_CHUNK = 2_048
_BINS = 8
_ROWS_OF_A_BIN = 20
_MOST_PAIRED = 12
_SEED = 0


@dataclass(frozen=True, slots=True)
class NewRows:
    """New rows to scan.

    Attributes:
        misses: Misses of n rows.
        uploads: Upload of each row, ``[n]``.
        rates: Chance rates of each upload's rows, ``[uploads, 3, sizes]``.
        weights: Weight of each row, ``[n]``; see ``weights_of``.
    """

    misses: Misses
    uploads: Indices
    rates: Values
    weights: Values

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.misses)

    def are_misses(self, rows: Indices, side: int, size: int) -> NDArray[np.bool_]:
        """Return the mask of rows that are misses on a side, of at least a size."""
        are: NDArray[np.bool_] = self.misses.on(side)[rows] & (self.misses.level[rows] > size)
        return are

    def take(self, rows: Indices) -> "NewRows":
        """Return some of the rows, by their numbers."""
        return NewRows(self.misses.take(rows), self.uploads[rows], self.rates, self.weights[rows])

    @property
    def signed_level(self) -> NDArray[np.int8]:
        """Number of sizes that each miss exceeds, negative below the champion's price, ``[n]``."""
        return np.where(self.misses.size < 0, -self.misses.level, self.misses.level)


@dataclass(frozen=True, slots=True)
class Window:
    """A group of new rows with too many misses.

    Attributes:
        score: Minus the decimal logarithm of its probability in the whole scan.
        side: Side of the champion's price: ``BELOW``, ``ABOVE`` or ``EITHER``.
        size: Index into ``SIZES`` of the smallest counted miss.
        rows: Numbers of its rows.
        is_near: Whether the rows are close in place.
    """

    score: float
    side: int
    size: int
    rows: Indices
    is_near: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    """The highest score of many windows, and the windows that reach the limit."""

    best: float
    windows: Sequence[Window]


def weights_of(points: Values, known: Values) -> Values:
    """Return the weight of rows as evidence, by the known rows around them, ``[n]``.

    The champion's errors are correlated over the distance between known rows. Rows whose ten
    nearest new rows are closer than any known row are not independent evidence, and neither are
    more new rows than known ones.

    Args:
        points: Locations of the new rows, ``[n, 2]``.
        known: Locations of the known rows, ``[m, 2]``.
    """
    few = min(_CROWD, len(points))
    reach = cKDTree(points).query(points, [few])[0][:, 0] * (1 + 1e-9)
    apart, _ = cKDTree(known).query(points)
    weights: Values = np.where(apart <= reach, 1.0, _WITHOUT_KNOWN)
    return weights * min(1.0, len(known) / len(points))


def scan_places(new: NewRows, points: Values, *, limit: float) -> Scan:
    """Scan up to 200 nearest rows around each miss.

    Args:
        new: The rows.
        points: Their locations, ``[n, 2]``.
        limit: Smallest score of a returned window.
    """
    most = max(_MOST_CENTRES, int(_CENTRE_SHARE * len(new)))
    return _scan_nearest(new, points, _COUNTS, most, limit=limit, is_near=True)


def scan_features(new: NewRows, points: Values, *, limit: float) -> Scan:
    """Scan up to 50 rows with similar features, around a bounded number of misses.

    The search is approximate, within twice the distance: exact neighbours are slow in many
    dimensions.
    """
    return _scan_nearest(
        new, points, _FEW_COUNTS, _MOST_FEW_CENTRES, limit=limit, approximation=_APPROXIMATION
    )


def scan_cells(new: NewRows, points: Values, *, limit: float) -> Scan:
    """Scan each upload, all rows together, and the cells of each pair of columns.

    A column is cut into up to eight parts of equally many rows.

    Args:
        new: The rows.
        points: Their columns, ``[n, m]``; the first twelve are paired.
        limit: Smallest score of a returned window.
    """
    groupings = list(_groupings(new, points))
    windows = sum(int(cells.max()) + 1 for cells in groupings)
    penalty = np.log10(windows * 3 * len(SIZES)) + _CELLS_LESS
    best, kept = -np.inf, []
    for cells in groupings:
        scores = likelihood_ratio(*_counted_in_cells(new, cells)) - penalty
        best = max(best, float(scores.max()))
        for cell in np.flatnonzero(scores.max(axis=(1, 2)) >= limit):
            side, size = np.unravel_index(scores[cell].argmax(), scores.shape[1:])
            rows = np.flatnonzero(cells == cell)
            kept.append(Window(float(scores[cell].max()), int(side), int(size), rows))
    return Scan(best, kept)


def _scan_nearest(  # noqa: PLR0913 - a scan and its bounds, given by name
    new: NewRows,
    points: Values,
    counts: Sequence[int],
    most_centres: int,
    *,
    limit: float,
    approximation: float = 0.0,
    is_near: bool = False,
) -> Scan:
    sizes = np.unique(np.minimum(counts, len(new)))
    within = (np.arange(sizes[-1])[:, np.newaxis] < sizes).astype(np.float32)
    slack = _SLACK[np.searchsorted(_SLACK_UP_TO, sizes)] if is_near else _SLACK_ELSEWHERE
    penalty = np.log10(len(new) * len(sizes) * 3 * len(SIZES))
    tree = cKDTree(points)
    best, kept = -np.inf, []
    for centres in chunks_of(centres_of(new, most_centres)):
        _, near = tree.query(points[centres], np.arange(1, sizes[-1] + 1), eps=approximation)
        counted, expected = _counted(new, near, within)
        scores = likelihood_ratio(counted, expected * slack) - penalty
        best = max(best, float(scores.max()))
        for row in np.flatnonzero(scores.max(axis=(1, 2, 3)) >= limit):
            place = np.unravel_index(scores[row].argmax(), scores.shape[1:])
            side, size, count = (int(number) for number in place)
            rows = near[row, : sizes[count]].copy()
            kept.append(Window(float(scores[row].max()), side, size, rows, is_near))
    return Scan(best, kept)


def centres_of(new: NewRows, most: int) -> Indices:
    """Return the centres of windows: the misses, or a random sample of them."""
    centres = np.flatnonzero(new.misses.level >= _CENTRE_LEVEL)
    if len(centres) <= most:
        return centres
    return np.sort(np.random.default_rng(_SEED).permutation(centres)[:most])


def chunks_of(centres: Indices) -> Iterator[Indices]:
    """Yield rows in blocks, so that memory does not grow with them."""
    yield from (centres[start : start + _CHUNK] for start in range(0, len(centres), _CHUNK))


def _counted(new: NewRows, near: Indices, within: NDArray[np.float32]) -> tuple[Values, Values]:
    """Count observed and expected misses among the k nearest of each row.

    Returns:
        Both ``[c, 3, sizes, k]``.
    """
    level, weights = new.signed_level[near], new.weights.astype(np.float32)[near]
    counted = np.empty((len(near), 3, len(SIZES), within.shape[1]))
    for size in range(len(SIZES)):
        counted[:, BELOW, size] = (weights * (level < -size)) @ within
        counted[:, ABOVE, size] = (weights * (level > size)) @ within
    counted[:, EITHER] = counted[:, BELOW] + counted[:, ABOVE]
    if (new.rates == new.rates[:1]).all():
        rows = weights @ within
        return counted, rows[:, np.newaxis, np.newaxis] * new.rates[0, :, :, np.newaxis]
    uploads, rates = new.uploads[near], new.rates.astype(np.float32)
    expected = np.empty_like(counted)
    for side, size in np.ndindex(3, len(SIZES)):
        expected[:, side, size] = (weights * rates[:, side, size][uploads]) @ within
    return counted, expected


def _groupings(new: NewRows, points: Values) -> Iterator[Indices]:
    """Yield the cell number of each row, ``[n]``, for each grouping."""
    yield np.zeros(len(new), dtype=np.int64)
    if new.uploads.any():
        yield new.uploads
    bins = int(np.clip(len(new) // _ROWS_OF_A_BIN, 1, _BINS))
    if bins == 1:
        return
    shares = np.linspace(0, 1, bins + 1)[1:-1]
    parts = [
        np.searchsorted(np.unique(np.quantile(column, shares)), column, side="left")
        for column in points.T[:_MOST_PAIRED]
    ]
    for first, second in combinations(parts, 2):
        yield first * bins + second


def _counted_in_cells(new: NewRows, cells: Indices) -> tuple[Values, Values]:
    """Count observed and expected misses of each cell; ``[cells, 3, sizes]`` each."""
    count, levels, uploads = int(cells.max()) + 1, len(SIZES), len(new.rates)
    width = 2 * levels + 1
    by_level = np.bincount(
        cells * width + new.signed_level + levels, new.weights, minlength=count * width
    ).reshape(count, width)
    below = by_level[:, :levels].cumsum(axis=1)[:, ::-1]
    above = by_level[:, :levels:-1].cumsum(axis=1)[:, ::-1]
    rows = np.bincount(cells * uploads + new.uploads, new.weights, minlength=count * uploads)
    expected = np.tensordot(rows.reshape(count, uploads), new.rates, axes=1)
    counted = np.stack([below, above, below + above], axis=1)
    return counted, expected * _SLACK_ELSEWHERE
