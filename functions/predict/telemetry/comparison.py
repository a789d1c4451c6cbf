"""Log fields of a comparison with the challenger: metrics, both versions, prices of a few rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from housing.metrics import names
from predict.model.loading import ServedModel
from predict.telemetry.emf import directive, metadata, serialized

TIMED_OUT = "timed_out"
"""Outcome of a comparison that took longer than its budget."""

_COUNTS = (names.SHADOW_REQUESTS, names.SHADOW_ERRORS, names.SHADOW_TIMED_OUT)
_MEASURES = (names.SHADOW_LATENCY, names.SHADOW_DIFFERENCE, names.SHADOW_DIFFERENCE_WORST)
_DIMENSIONS = (
    (names.SERVICE_DIMENSION,),
    (names.SERVICE_DIMENSION, names.CHALLENGER_DIMENSION),
)
_COMPARED = serialized(directive([*_COUNTS, *_MEASURES], *_DIMENSIONS))
_FAILED = serialized(directive(_COUNTS, *_DIMENSIONS))


@dataclass(frozen=True, slots=True)
class Differences:
    """How far a challenger's prices are from those that were answered, in $100,000.

    ``prices`` are those of a few rows: the answered one, then the challenger's.
    """

    mean: float
    worst: float
    latency_ms: float
    prices: Sequence[tuple[float, float]]


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
