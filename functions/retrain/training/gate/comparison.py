"""Compare champion and challenger on the held-out rows, and measure the champion on new rows."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from housing.jobs.results import LiveFigures, Verdict
from housing.registry.port import ModelVersion, Tag
from retrain.training.dataset.rows import Rows, Values
from retrain.training.dataset.split import Split
from retrain.training.errors import ModelLoadError
from retrain.training.gate.champion import Champion
from retrain.training.gate.gate import judge, judge_first, verdict_errors
from retrain.training.model.baseline import baseline_errors
from retrain.training.model.evaluation import evaluate, score
from retrain.training.model.metric import ERROR, error
from retrain.training.rules import GateRules

_LEAST_ROWS = 10


def judge_version(  # noqa: PLR0913 - both models, the rows and the rules
    version: ModelVersion,
    model: bytes,
    rows: Split,
    rules: GateRules,
    *,
    champion: Champion | None,
    fair: Callable[[Champion], NDArray[np.bool_]],
) -> Verdict:
    """Compare a version with production on the held-out rows.

    A champion whose model does not load counts as none; the verdict's reason states it.

    Args:
        version: The challenger.
        model: Its ``model.onnx``.
        rows: Fitting and held-out rows.
        rules: Limits of the gate.
        champion: The version in production, if there is one.
        fair: Returns the mask of held-out rows on which the comparison is fair, ``[n]``.
    """
    holdout = rows.holdout
    challenger = score(model, holdout.features, proof=version.tags.get(Tag.TREES)).price
    if champion and champion.version.identity == version.identity:
        return Verdict(
            promote=True,
            reason=f"version {version.version} is in production already",
            **verdict_errors(challenger=error(challenger, holdout.prices)),
            holdout_rows=len(holdout),
        )
    because = "the first model"
    if champion:
        try:
            prices = champion.predict(holdout.features).price
        except ModelLoadError as exc:
            because = f"version {champion.version.version} in production does not load ({exc})"
        else:
            return _against(champion, prices, challenger, holdout, rules, fair(champion))
    baseline, *_ = baseline_errors(rows.fitting, holdout).values()
    return judge_first(challenger, holdout.prices, baseline=baseline, because=because)


def _against(  # noqa: PLR0913, PLR0917 - both models, the rows and the rules
    champion: Champion,
    prices: Values,
    challenger: Values,
    holdout: Rows,
    rules: GateRules,
    is_fair: NDArray[np.bool_],
) -> Verdict:
    number = champion.version.version
    if champion.needs_stand_in:
        why = "it was judged by another split, and has too few rows for a refit"
        return _not_compared(challenger, holdout, number, why)
    if is_fair.sum() < _LEAST_ROWS:
        why = f"it was fitted on all but {is_fair.sum()} of the held-out rows"
        return _not_compared(challenger, holdout, number, why)
    kept = Rows(holdout.features[is_fair], holdout.prices[is_fair])
    verdict = judge(challenger[is_fair], prices[is_fair], kept, rules, champion_version=number)
    if champion.note:
        verdict.reason = f"{verdict.reason}; {champion.note}"
    return verdict


def _not_compared(challenger: Values, holdout: Rows, number: str, why: str) -> Verdict:
    """Return the verdict where a fair comparison is impossible."""
    return Verdict(
        promote=False,
        reason=f"it cannot be compared fairly with version {number}: {why}",
        **verdict_errors(challenger=error(challenger, holdout.prices)),
        champion_version=number,
        holdout_rows=len(holdout),
    )


def measure_live(champion: Champion | None, rows: Values, *, min_rows: int) -> LiveFigures | None:
    """Measure production's model on rows with known prices.

    Args:
        champion: The version in production.
        rows: Rows that it was not fitted on, ``[n, 9]``.
        min_rows: Smallest number of rows that is measured.

    Returns:
        The figures, or None without a version in production.
    """
    if champion is None:
        return None
    figures = LiveFigures(version=champion.version.version, rows=len(rows))
    if len(rows) < min_rows:
        figures.reason = f"{len(rows)} unseen rows; {min_rows} are needed"
        return figures
    priced = Rows.of(rows)
    try:
        measured = evaluate(champion.predict(priced.features), priced.prices)
    except ModelLoadError as exc:
        figures.reason = f"it does not load ({exc})"
        return figures
    setattr(figures, ERROR, measured[ERROR])
    figures.coverage = measured.get("coverage")
    return figures
