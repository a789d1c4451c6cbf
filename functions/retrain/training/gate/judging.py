"""Bringing champion and challenger before the gate."""

from collections.abc import Callable

from housing.jobs.findings import Verdict
from housing.registry.port import ModelVersion
from retrain.training.dataset.rows import Rows, Values
from retrain.training.dataset.split import Split
from retrain.training.errors import ModelLoadError, TooFewRowsError
from retrain.training.gate.champion import Champion, ChampionPrices
from retrain.training.gate.gate import GateRules, judge, judge_first
from retrain.training.model.evaluation import baseline_rmse, rmse
from retrain.training.model.scoring import score

_LEAST_ROWS = 10


def judge_version(  # noqa: PLR0913 - both models, and all that judges them
    version: ModelVersion,
    model: bytes,
    rows: Split,
    rules: GateRules,
    *,
    champion: Champion | None,
    priced: Callable[[Champion], ChampionPrices],
) -> Verdict:
    """Judge a version against the one in production on the held-out rows.

    A champion whose model does not load counts as none, and the verdict says so.

    Args:
        version: The challenger.
        model: Its ``model.onnx``.
        rows: Both parts of the snapshot.
        rules: What is asked.
        champion: The version in production, if there is one.
        priced: Prices the rows that judge as the champion does.
    """
    holdout = rows.holdout
    challenger = score(model, holdout.features).price
    if champion and champion.version.identity == version.identity:
        return Verdict(
            promote=True,
            reason=f"version {version.version} is in production already",
            challenger_rmse=rmse(challenger, holdout.prices),
            holdout_rows=len(holdout),
        )
    because = "the first model"
    if champion:
        number = champion.version.version
        try:
            old = priced(champion)
        except ModelLoadError as exc:
            because = f"version {number} in production does not load ({exc})"
        except TooFewRowsError as exc:
            return _not_compared(challenger, holdout, number, str(exc))
        else:
            fair = old.is_fair
            if fair.sum() < _LEAST_ROWS:
                why = f"it was fitted on all but {fair.sum()} of the rows that judge"
                return _not_compared(challenger, holdout, number, why)
            kept = Rows(holdout.features[fair], holdout.prices[fair])
            verdict = judge(
                challenger[fair], old.prices[fair], kept, rules, champion_version=number
            )
            if old.note:
                verdict.reason = f"{verdict.reason}; {old.note}"
            return verdict
    baseline = baseline_rmse(rows.fitting, holdout)
    return judge_first(challenger, holdout.prices, baseline=baseline, because=because)


def _not_compared(challenger: Values, holdout: Rows, number: str, why: str) -> Verdict:
    """Return the verdict on a version that cannot be compared with the champion."""
    return Verdict(
        promote=False,
        reason=f"it cannot be compared fairly with version {number}: {why}",
        challenger_rmse=rmse(challenger, holdout.prices),
        champion_version=number,
        holdout_rows=len(holdout),
    )
