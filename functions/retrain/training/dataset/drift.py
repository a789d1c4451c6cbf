"""Measure drift: compare the new rows of an upload with earlier rows, column by column.

There are two measures, because each alone misleads. The population stability index (PSI) is the
size of a difference, but few rows make it large by chance; the two-sample Kolmogorov-Smirnov test
(KS) is its significance, but many rows make any difference significant. A column drifts if both
are above their limits.

PSI and its distribution: B. Yurdakul and J. Naranjo, "Statistical properties of the population
stability index", Journal of Risk Model Validation 14 (2020). Limits in use for it lie between .1
and .25: N. Siddiqi, "Credit Risk Scorecards", Wiley 2006.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from housing.jobs.results import ColumnDrift, Drift
from housing.schema import CANONICAL_HEADER
from retrain.training.dataset.rows import Values

BINS = 10
FALSE_ALARMS = 0.005
"""Upper bound on the share of uploads without drift that are warned about.

Bonferroni: KS has to be significant at this level divided by the number of columns, so that the
bound holds for any number of rows, any PSI and any dependence between columns.
"""

_LEAST_ROWS_OF_A_BIN = 0.5
_WHOLE_NUMBERS_FROM = 1_000


def measure_drift(rows: Values, reference: Values, *, psi_limit: float, min_rows: int) -> Drift:
    """Compare the new rows of an upload with the earlier rows of the data set.

    Args:
        rows: The new rows, ``[n, 9]``, in the order of ``CANONICAL_HEADER``.
        reference: The earlier rows, ``[m, 9]``.
        psi_limit: A column above it drifts, if KS is significant as well.
        min_rows: Smallest number of rows on either side; with fewer only the reason is returned.
    """
    reason = _why_not(len(rows), len(reference), min_rows)
    if reason:
        return Drift(rows=len(rows), reference_rows=len(reference), reason=reason)
    pairs = zip(CANONICAL_HEADER, _sorted_columns(rows), _sorted_columns(reference), strict=True)
    columns = [_column(name, after, before, psi_limit) for name, after, before in pairs]
    return Drift(
        rows=len(rows),
        reference_rows=len(reference),
        columns=columns,
        warnings=[_sentence(column) for column in columns if column.drifted],
    )


def population_stability(rows: Values, reference: Values, bins: int = BINS) -> float:
    """Return the PSI of a column, minus its expectation by chance.

    The bins end at quantiles of the reference. A value on which two or more of them fall (with ten
    bins, over a tenth of the rows) has a bin of its own; a rarer one, such as the age of 52 (6 %)
    or the capped price (5 %), is part of its bin. A bin that one side leaves empty counts as half
    a row there, else its logarithm has no value; one that both leave empty does not count. Rows of
    one distribution have a PSI of (bins - 1) (1 / n + 1 / m) in the mean (Yurdakul and Naranjo),
    .18 for 50 rows and ten bins: that much is taken off, down to 0.

    Args:
        rows: New values, in ascending order.
        reference: Values before, in ascending order.
        bins: How many quantiles.
    """
    edges = _edges(reference, bins)
    counts = np.stack([_counts(rows, edges), _counts(reference, edges)])
    counts = counts[:, counts.any(axis=0)]
    sizes = np.array([len(rows), len(reference)])
    after, before = np.maximum(counts, _LEAST_ROWS_OF_A_BIN) / sizes[:, np.newaxis]
    by_chance = (counts.shape[1] - 1) * (1 / sizes).sum()
    return max(0.0, float(((after - before) * np.log(after / before)).sum() - by_chance))


def _why_not(rows: int, reference_rows: int, min_rows: int) -> str | None:
    if not rows:
        return "no row is new"
    if not reference_rows:
        return "there were no rows before"
    if min(rows, reference_rows) >= min_rows:
        return None
    return f"{rows:,} new rows and {reference_rows:,} before; {min_rows:,} of each are needed"


def _sorted_columns(values: Values) -> Values:
    return np.sort(values.T, axis=1)


def _edges(reference: Values, bins: int) -> Values:
    """Return the largest value of each bin but the last."""
    ranks = -(-np.arange(1, bins) * len(reference) // bins) - 1
    quantiles, times = np.unique(reference[ranks], return_counts=True)
    return np.union1d(quantiles, np.nextafter(quantiles[times > 1], -np.inf))


def _counts(ascending: Values, edges: Values) -> NDArray[np.int64]:
    below = np.searchsorted(ascending, edges, side="right")
    return np.diff(below, prepend=0, append=len(ascending))


def _column(name: str, after: Values, before: Values, psi_limit: float) -> ColumnDrift:
    psi = population_stability(after, before)
    ks = ks_2samp(after, before, method="asymp")  # the exact one takes too long for many rows
    return ColumnDrift(
        name=name,
        psi=psi,
        ks=float(ks.statistic),
        p_value=float(ks.pvalue),
        mean_before=float(before.mean()),
        mean_after=float(after.mean()),
        drifted=psi > psi_limit and ks.pvalue < FALSE_ALARMS / len(CANONICAL_HEADER),
    )


def _sentence(column: ColumnDrift) -> str:
    before, after = _number(column.mean_before), _number(column.mean_after)
    return (
        f"{column.name} drifts: PSI {column.psi:.2f}, KS {column.ks:.2f}; "
        f"mean {before} before, {after} in the new rows"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _WHOLE_NUMBERS_FROM else f"{value:.4g}"
