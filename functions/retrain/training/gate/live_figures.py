"""How the model in production does on prices that came back: the new rows of an upload."""

from housing.jobs.results import LiveFigures
from retrain.training.dataset.rows import Rows, Values
from retrain.training.errors import ModelLoadError
from retrain.training.gate.champion import Champion
from retrain.training.model.evaluation import evaluate


def measure_live(champion: Champion | None, rows: Values, *, min_rows: int) -> LiveFigures | None:
    """Price rows with production's model and compare with the actual prices.

    Args:
        champion: The version in production.
        rows: Rows that it was not fitted on, ``[n, 9]``.
        min_rows: With fewer rows nothing is measured.

    Returns:
        None where nothing is in production.
    """
    if champion is None:
        return None
    figures = LiveFigures(version=champion.version.version, rows=len(rows))
    if len(rows) < min_rows:
        figures.reason = f"{len(rows)} rows that it had not seen; {min_rows} are needed"
        return figures
    priced = Rows.of(rows)
    try:
        measured = evaluate(champion.predict(priced.features), priced.prices)
    except ModelLoadError as exc:
        figures.reason = f"it does not load ({exc})"
        return figures
    figures.rmse, figures.coverage = measured["rmse"], measured["coverage"]
    return figures
