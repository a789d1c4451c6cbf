"""Measure drift: compare the new rows of an upload with earlier rows, column by column.

There are two measures, because each alone misleads. The population stability index (PSI) is the
size of a difference, but few rows make it large by chance; the two-sample Kolmogorov-Smirnov test
(KS) is its significance, but many rows make any difference significant. A column drifts if both
are above their limits. Categories and booleans have a bin for each level, and the chi-square test
in place of KS; missing values of a number are a bin of their own, with that test as well.

PSI and its distribution: B. Yurdakul and J. Naranjo, "Statistical properties of the population
stability index", Journal of Risk Model Validation 14 (2020). Limits in use for it lie between .1
and .25: N. Siddiqi, "Credit Risk Scorecards", Wiley 2006.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, ks_2samp

from housing.jobs.results import ColumnDrift, Drift
from housing.schema import CANONICAL_COLUMNS, CANONICAL_HEADER
from housing.subject import Column
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
        rows: The new rows, ``[n, columns]``, in the order of ``CANONICAL_HEADER``.
        reference: The earlier rows, ``[m, columns]``.
        psi_limit: A column above it drifts, if KS is significant as well.
        min_rows: Smallest number of rows on either side; with fewer only the reason is returned.
    """
    reason = _why_not(len(rows), len(reference), min_rows)
    if reason:
        return Drift(rows=len(rows), reference_rows=len(reference), reason=reason)
    pairs = zip(CANONICAL_COLUMNS, _sorted_columns(rows), _sorted_columns(reference), strict=True)
    columns = [_drift(column, after, before, psi_limit) for column, after, before in pairs]
    return Drift(
        rows=len(rows),
        reference_rows=len(reference),
        columns=columns,
        warnings=[
            _sentence(drift, column)
            for drift, column in zip(columns, CANONICAL_COLUMNS, strict=True)
            if drift.drifted
        ],
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
    return _stability(np.stack([_counts(rows, edges), _counts(reference, edges)]))


def _stability(counts: NDArray[np.int64]) -> float:
    """Return the PSI of two rows of counts, ``[2, bins]``, minus its expectation by chance."""
    counts = counts[:, counts.any(axis=0)]
    sizes = counts.sum(axis=1)
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


def _drift(column: Column, after: Values, before: Values, psi_limit: float) -> ColumnDrift:
    """Measure the drift of a column, whose values ascend, the missing ones at the end."""
    if column.kind in {"category", "boolean"}:
        return _of_levels(column, after, before, psi_limit)
    lacking = np.array([np.count_nonzero(np.isnan(one)) for one in (after, before)])
    present = np.array([len(after), len(before)]) - lacking
    after, before = after[: present[0]], before[: present[1]]
    if not present.all():
        counts = np.stack([present, lacking], axis=1)
        psi, ks, p_value = _stability(counts), _apart(counts), _chi_square(counts)
    elif lacking.any():
        edges = _edges(before, BINS)
        binned = np.stack([_counts(after, edges), _counts(before, edges)])
        psi = _stability(np.column_stack([binned, lacking]))
        test = ks_2samp(after, before, method="asymp")
        of_lacking = _chi_square(np.stack([present, lacking], axis=1))
        ks, p_value = float(test.statistic), min(1.0, 2 * min(float(test.pvalue), of_lacking))
    else:
        psi = population_stability(after, before)
        test = ks_2samp(after, before, method="asymp")  # the exact one takes long for many rows
        ks, p_value = float(test.statistic), float(test.pvalue)
    return ColumnDrift(
        name=column.name,
        psi=psi,
        ks=ks,
        p_value=p_value,
        mean_before=float(before.mean()) if len(before) else 0.0,
        mean_after=float(after.mean()) if len(after) else 0.0,
        drifted=psi > psi_limit and p_value < FALSE_ALARMS / len(CANONICAL_HEADER),
    )


def _of_levels(column: Column, after: Values, before: Values, psi_limit: float) -> ColumnDrift:
    counts = _levels(column, after, before)
    shares = counts / counts.sum(axis=1, keepdims=True)
    moved = 1 if column.kind == "boolean" else int(np.abs(shares[0] - shares[1]).argmax())
    psi, p_value = _stability(counts), _chi_square(counts)
    return ColumnDrift(
        name=column.name,
        psi=psi,
        ks=_apart(counts),
        p_value=p_value,
        level=_level_name(column, moved),
        mean_before=float(shares[1, moved]),
        mean_after=float(shares[0, moved]),
        drifted=psi > psi_limit and p_value < FALSE_ALARMS / len(CANONICAL_HEADER),
    )


def _levels(column: Column, after: Values, before: Values) -> NDArray[np.int64]:
    """Count the rows of each level: false and true, or the categories and *other*; missing last."""
    size = 2 if column.kind == "boolean" else column.other + 1
    codes = [np.where(np.isnan(one), size, one).astype(np.intp) for one in (after, before)]
    return np.stack([np.bincount(one, minlength=size + 1) for one in codes])


def _level_name(column: Column, level: int) -> str:
    texts = ("no", "yes") if column.kind == "boolean" else (*column.categories, "other")
    return texts[level] if level < len(texts) else "missing"


def _apart(counts: NDArray[np.int64]) -> float:
    """Return half the sum of the shares' differences, 0 … 1."""
    after, before = counts / counts.sum(axis=1, keepdims=True)
    return float(np.abs(after - before).sum() / 2)


def _chi_square(counts: NDArray[np.int64]) -> float:
    """Return the p-value of the chi-square test that both sides have one distribution."""
    counts = counts[:, counts.any(axis=0)]
    return float(chi2_contingency(counts).pvalue) if counts.shape[1] > 1 else 1.0


def _sentence(drift: ColumnDrift, column: Column) -> str:
    if drift.level is not None:
        return (
            f"{drift.name} drifts: PSI {drift.psi:.2f}; {drift.level} in {drift.mean_before:.1%} "
            f"of the rows before, in {drift.mean_after:.1%} of the new ones"
        )
    lacking = ", of the values that are there" if column.optional else ""
    before, after = _number(drift.mean_before), _number(drift.mean_after)
    return (
        f"{drift.name} drifts: PSI {drift.psi:.2f}, KS {drift.ks:.2f}; "
        f"mean {before} before, {after} in the new rows{lacking}"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _WHOLE_NUMBERS_FROM else f"{value:.4g}"
