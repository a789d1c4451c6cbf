"""What the line of a comparison holds: its metrics, both versions, and prices of a few rows."""

from datetime import datetime
from typing import Any

from housing.metrics import names
from predict.model.served_model import ServedModel
from predict.shadow.comparison import TIMED_OUT, Differences
from predict.telemetry.emf import directive, metadata, written

_COUNTS = (names.SHADOW_REQUESTS, names.SHADOW_ERRORS, names.SHADOW_TIMED_OUT)
_MEASURES = (names.SHADOW_LATENCY, names.SHADOW_DIFFERENCE, names.SHADOW_DIFFERENCE_WORST)
_DIMENSIONS = (
    (names.SERVICE_DIMENSION,),
    (names.SERVICE_DIMENSION, names.CHALLENGER_DIMENSION),
)
_COMPARED = written(directive([*_COUNTS, *_MEASURES], *_DIMENSIONS))
_FAILED = written(directive(_COUNTS, *_DIMENSIONS))


def shadow_fields(
    now: datetime, served: ServedModel, challenger: str, rows: int, found: Differences | str
) -> dict[str, Any]:
    """Return the fields; a failure has no differences.

    Args:
        now: The time.
        served: The model that answered.
        challenger: The challenger's version, by number and digest.
        rows: Block groups that were priced.
        found: How far the prices are apart, or what went wrong.
    """
    failed = isinstance(found, str)
    fields = {
        "_aws": metadata(now, _FAILED if failed else _COMPARED),
        "model_version": served.version.version,
        names.CHALLENGER_DIMENSION: challenger,
        "rows": rows,
        names.SHADOW_REQUESTS: 1,
        names.SHADOW_ERRORS: int(failed and found != TIMED_OUT),
        names.SHADOW_TIMED_OUT: int(found == TIMED_OUT),
        "message": "shadow",
    }
    if isinstance(found, str):
        return {**fields, "error": found}
    return {
        **fields,
        names.SHADOW_LATENCY: found.latency_ms,
        names.SHADOW_DIFFERENCE: found.mean,
        names.SHADOW_DIFFERENCE_WORST: found.worst,
        "prices": found.prices,
    }
