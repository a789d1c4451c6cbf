"""Find features that tell the target: the target itself under another name, or in another unit."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from housing_cli.new.kinds import Inferred

_SAME = 0.9995
"""Correlation, of values or of ranks, from which two columns are one."""
_LEAST_ROWS = 20


def leak(feature: Inferred, target: Inferred) -> str:
    """Return how a feature tells the target; empty if it does not."""
    is_there = ~np.isnan(feature.values) & ~np.isnan(target.values)
    values, wanted = feature.values[is_there], target.values[is_there]
    if len(values) < _LEAST_ROWS or np.ptp(values) == 0 or np.ptp(wanted) == 0:
        return ""
    if target.kind == "boolean":
        return _tells_label(feature, values, wanted, target.name)
    if feature.kind in {"category", "boolean"}:
        return ""
    if abs(_correlation(values, wanted)) > _SAME:
        return f"it is {target.name} in another unit, or under another name"
    if abs(_correlation(rankdata(values), rankdata(wanted))) > _SAME:
        return f"it has the same order as {target.name}: it is computed from it"
    return ""


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(np.corrcoef(first, second)[0, 1])


def _tells_label(
    feature: Inferred, values: NDArray[np.float64], label: NDArray[np.float64], wanted: str
) -> str:
    true, false = values[label == 1], values[label == 0]
    if feature.kind in {"category", "boolean"}:
        is_told = not np.intersect1d(true, false).size
    else:
        is_told = true.min() > false.max() or true.max() < false.min()
    return f"each of its values goes with one value of {wanted} alone" if is_told else ""
