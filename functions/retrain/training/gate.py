"""The gate: whether a challenger may take the champion's place."""

from housing.jobs import Verdict
from retrain.training.evaluate import rmse
from retrain.training.rows import Values


def judge_first(challenger: Values, prices: Values, *, baseline: float, because: str) -> Verdict:
    """Judge a model that has no champion to beat: it must beat the linear regression.

    Args:
        challenger: Its prices on the hold-out, ``[n]``, in $100,000.
        prices: The true ones.
        baseline: RMSE of the linear regression there.
        because: Why there is no champion.
    """
    found = rmse(challenger, prices)
    promote = found < baseline
    word = "better than" if promote else "not better than"
    return Verdict(
        promote=promote,
        reason=f"{because}, and {word} linear regression ({found:.4f} to {baseline:.4f})",
        challenger_rmse=found,
        holdout_rows=len(prices),
    )


def judge(
    challenger: Values, champion: Values, prices: Values, *, champion_version: str, margin: float
) -> Verdict:
    """Judge two models by their prices on the same rows, ``[n]`` each, in $100,000.

    Args:
        challenger: Prices of the new version.
        champion: Prices of the version in production.
        prices: The true ones.
        champion_version: The version in production.
        margin: How much worse, as a share of the champion's RMSE, still counts as good as it.
    """
    new, old = rmse(challenger, prices), rmse(champion, prices)
    promote = new <= old * (1 + margin)
    limit = f"version {champion_version}'s {old:.4f} plus {margin:.1%}"
    return Verdict(
        promote=promote,
        reason=f"RMSE {new:.4f} is {'within' if promote else 'above'} {limit}",
        challenger_rmse=new,
        champion_rmse=old,
        champion_version=champion_version,
        holdout_rows=len(prices),
    )
