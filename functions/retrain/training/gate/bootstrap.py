"""How far two models' errors on the same rows are apart, and how sure that is: a paired bootstrap.

Rows are drawn with replacement, and both models are measured on every draw, so that what makes a
draw hard for both cancels out. B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993,
chapters 8 and 13 (percentile limits).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain.training.dataset.rows import Values

DRAWS = 2_000
_GROUPS = 4_096
_DRAWS_AT_ONCE = 200
_SEED = 0


@dataclass(frozen=True, slots=True)
class Change:
    """RMSE of the challenger relative to the champion's: -.02 is two per cent less."""

    relative: float
    lower: float
    upper: float


def relative_change(
    challenger: Values, champion: Values, prices: Values, *, confidence: float
) -> Change:
    """Compare two models' prices of the same rows, ``[n]`` each, in $100,000.

    More than 4,096 rows are dealt into as many groups by chance, and groups are drawn: the time
    does not grow with the rows, the limits stay the same.

    Args:
        challenger: Prices of the new model.
        champion: Prices of the old one.
        prices: The true ones.
        confidence: One-sided: so sure is one that the change is above ``lower``, and likewise
            that it is below ``upper``.
    """
    random = np.random.default_rng(_SEED)
    new, old = (
        _grouped((predicted - prices) ** 2, np.random.default_rng(_SEED))
        for predicted in (challenger, champion)
    )
    drawn = []
    for start in range(0, DRAWS, _DRAWS_AT_ONCE):
        size = (min(_DRAWS_AT_ONCE, DRAWS - start), len(new))
        rows = random.integers(0, len(new), size, dtype=np.int32)
        drawn.append(_ratio(new[rows].sum(axis=1), old[rows].sum(axis=1)))
    lower, upper = np.quantile(np.concatenate(drawn), [1 - confidence, confidence])
    return Change(float(_ratio(new.sum(), old.sum())), float(lower), float(upper))


def _grouped(errors: Values, random: np.random.Generator) -> Values:
    """Return sums over equal groups of rows, dealt alike for equal generators."""
    if len(errors) <= _GROUPS:
        return errors
    groups = np.arange(len(errors)) % _GROUPS
    random.shuffle(groups)
    return np.bincount(groups, weights=errors, minlength=_GROUPS).astype(np.float64)


def _ratio(new: NDArray[np.float64], old: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ratio of RMSEs less one; a champion without error is beaten by none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.sqrt(new / old) - 1.0
    return np.where(old > 0, found, np.where(new > 0, np.finfo(np.float64).max, 0.0))
