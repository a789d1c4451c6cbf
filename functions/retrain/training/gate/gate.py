"""The gate: decide whether a challenger may replace the champion.

It may if it is not worse: a paired bootstrap bounds its RMSE, at a given confidence, by the
champion's plus a margin; and no slice of the rows is worse by more than a limit and beyond chance.
A slice need not prove that it is as good as before: small slices never could.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import bootstrap

from housing.jobs.results import SliceChange, Verdict
from retrain.training.dataset.rows import Rows, Values
from retrain.training.gate.slices import slice_masks
from retrain.training.model.baseline import BASELINE
from retrain.training.model.metric import (
    ERROR,
    ERROR_TITLE,
    error,
    error_of_mean,
    losses,
)
from retrain.training.rules import GateRules

DRAWS = 2_000
_GROUPS = 4_096
_DRAWS_AT_ONCE = 200
_BEYOND = 1e100
"""Relative change from a champion without error."""
_SEED = 0
_ERROR_RATE = 0.05
"""Family-wise error rate over all slices (Bonferroni): share of equal challengers refused."""


def verdict_errors(**of_models: float) -> dict[str, Any]:
    """Return errors by their fields of a verdict: ``challenger_rmse`` or ``challenger_log_loss``.

    Args:
        of_models: Errors by ``challenger``, ``champion`` and ``baseline``.
    """
    return {f"{model}_{ERROR}": value for model, value in of_models.items()}


@dataclass(frozen=True, slots=True)
class Change:
    """Error of the challenger relative to the champion's: -.02 is two per cent less."""

    relative: float
    lower: float
    upper: float


def relative_change(
    challenger: Values, champion: Values, prices: Values, *, confidence: float
) -> Change:
    """Compare two models' predictions of the same rows, ``[n]`` each, in the target's unit.

    Rows are drawn with replacement, and both models are measured on every draw, so that rows that
    are hard for both do not hide the difference. More than 4,096 rows are dealt at random into as
    many groups, and groups are drawn: the time does not grow with the rows, and the limits stay.

    Args:
        challenger: Prices of the new model.
        champion: Prices of the old one.
        prices: The true ones.
        confidence: One-sided confidence that the change is above ``lower``, and likewise that it is
            below ``upper``.
    """
    new, old = (
        _grouped(losses(predicted, prices), np.random.default_rng(_SEED))
        for predicted in (challenger, champion)
    )
    drawn = bootstrap(
        (new, old),
        _relative,
        paired=True,
        vectorized=True,
        n_resamples=DRAWS,
        batch=_DRAWS_AT_ONCE,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    ).bootstrap_distribution
    lower, upper = np.quantile(drawn, [1 - confidence, confidence])
    return Change(float(_relative(new, old)), float(lower), float(upper))


def _grouped(errors: Values, random: np.random.Generator) -> Values:
    """Return sums over equal groups of rows, dealt alike for equal generators."""
    if len(errors) <= _GROUPS:
        return errors
    groups = np.arange(len(errors)) % _GROUPS
    random.shuffle(groups)
    return np.bincount(groups, weights=errors, minlength=_GROUPS).astype(np.float64)


def _relative(new: Values, old: Values, axis: int = -1) -> Values:
    """Return the ratio of errors minus one; a champion without error cannot be beaten."""
    new, old = new.sum(axis=axis), old.sum(axis=axis)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = error_of_mean(new / old) - 1.0
    return np.where(old > 0, ratio, np.where(new > 0, _BEYOND, 0.0))


def judge_first(challenger: Values, prices: Values, *, baseline: float, because: str) -> Verdict:
    """Judge a model without a champion: it must beat a baseline.

    The baseline is ``BASELINE``: the prior, or, of rows with a place, linear regression.

    Args:
        challenger: Its predictions on the hold-out, ``[n]``.
        prices: The true ones.
        baseline: Error of the baseline there.
        because: Why no champion is compared.
    """
    own = error(challenger, prices)
    promote = own < baseline
    word = "better than" if promote else "not better than"
    return Verdict(
        promote=promote,
        reason=f"{because}, and {word} {BASELINE} ({own:.4f} to {baseline:.4f})",
        **verdict_errors(challenger=own, baseline=baseline),
        holdout_rows=len(prices),
    )


def judge(
    challenger: Values, champion: Values, held: Rows, rules: GateRules, *, champion_version: str
) -> Verdict:
    """Compare two models by their prices of the same rows, ``[n]`` each, in the target's unit.

    Args:
        challenger: Prices of the new version.
        champion: Prices of the version in production.
        held: The rows, on which neither was fitted.
        rules: Limits of the gate.
        champion_version: The version in production.
    """
    new, old = error(challenger, held.prices), error(champion, held.prices)
    change = relative_change(challenger, champion, held.prices, confidence=rules.confidence)
    by_slice = list(_by_slice(challenger, champion, held, rules))
    worse = [one for one in by_slice if one.is_worse]
    as_good = change.upper <= rules.margin
    return Verdict(
        promote=as_good and not worse,
        reason=_reason(new, old, change, rules, worse, champion_version),
        **verdict_errors(challenger=new, champion=old),
        champion_version=champion_version,
        holdout_rows=len(held),
        change=change.relative,
        change_lower=change.lower,
        change_upper=change.upper,
        margin=rules.margin,
        confidence=rules.confidence,
        slices=by_slice,
    )


def _by_slice(
    challenger: Values, champion: Values, held: Rows, rules: GateRules
) -> Iterator[SliceChange]:
    masks = slice_masks(held, (challenger + champion) / 2)
    parts = [(name, mask) for name, mask in masks if mask.sum() >= rules.slice_min_rows]
    for name, mask in parts:
        new, old, prices = challenger[mask], champion[mask], held.prices[mask]
        change = relative_change(new, old, prices, confidence=1 - _ERROR_RATE / len(parts))
        yield SliceChange(
            name=name,
            rows=int(mask.sum()),
            **verdict_errors(challenger=error(new, prices), champion=error(old, prices)),
            change=change.relative,
            is_worse=change.relative > rules.slice_limit and change.lower > 0,
        )


def _reason(  # noqa: PLR0913, PLR0917 - everything the reason states
    new: float,
    old: float,
    change: Change,
    rules: GateRules,
    worse: list[SliceChange],
    champion_version: str,
) -> str:
    sure = f"{rules.confidence:.0%} sure"
    of_both = f"{new:.4f} to version {champion_version}'s {old:.4f}"
    errors = f"{ERROR_TITLE} {of_both} ({change.relative:+.1%})"
    if change.upper > rules.margin:
        return (
            f"{errors}: it may be worse by {change.upper:.1%} ({sure}), and {rules.margin:.1%} is "
            "the margin"
        )
    if worse:
        named = ", ".join(f"{one.name} ({one.change:+.0%})" for one in worse)
        return f"{errors}, but worse by over {rules.slice_limit:.0%} where the rows are: {named}"
    if change.upper < 0:
        return f"{errors}: better ({sure})"
    return f"{errors}: not worse by more than {rules.margin:.1%} ({sure})"
