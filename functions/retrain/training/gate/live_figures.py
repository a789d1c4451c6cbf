"""How the model in production does on prices that came back: the new rows of an upload."""

from datetime import datetime

from housing.errors import ArtifactError
from housing.jobs.findings import LiveFigures
from housing.registry.live_model import holder_of
from housing.registry.port import PRODUCTION, ModelRegistry
from retrain.training.dataset.row_hash import hash_rows
from retrain.training.dataset.rows import Rows, Values
from retrain.training.dataset.split import are_held_out
from retrain.training.errors import ModelLoadError, TrackingError
from retrain.training.gate.judging import download_registered
from retrain.training.model.evaluation import evaluate
from retrain.training.model.scoring import score


def measure_live(
    registry: ModelRegistry,
    new: Values,
    *,
    came_at: datetime,
    holdout_share: float,
    min_rows: int,
) -> LiveFigures | None:
    """Price the new rows of an upload with production's model and compare with the actual prices.

    Rows that it may have been trained on do not count: of an upload that came before it was
    registered, only those that no version is ever fitted on.

    Args:
        registry: Knows what is in production.
        new: Rows that the data set did not hold before, ``[n, 9]``.
        came_at: When they came.
        holdout_share: Of all rows, those that none is fitted on.
        min_rows: On fewer rows nothing is said but why.

    Returns:
        None where nothing is in production.
    """
    live = holder_of(registry, PRODUCTION)
    if live is None:
        return None
    if live.created_at >= came_at:
        new = new[are_held_out(hash_rows(new), holdout_share)]
    told = LiveFigures(version=live.version, rows=len(new))
    if len(new) < min_rows:
        told.reason = f"{len(new)} rows that it had not seen; {min_rows} are needed"
        return told
    rows = Rows.of(new)
    try:
        found = evaluate(score(download_registered(registry, live), rows.features), rows.prices)
    except (ArtifactError, ModelLoadError, TrackingError) as exc:
        told.reason = f"it does not load ({exc})"
        return told
    told.rmse, told.coverage = found["rmse"], found["coverage"]
    return told
