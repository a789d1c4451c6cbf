"""Log fields of a comparison with the challenger: metrics, both versions, prices of a few rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from housing.metrics import names
from predict.model.loading import ServedModel
from predict.telemetry.emf import directive, metadata, serialized

TIMED_OUT = "timed_out"
"""Outcome of a comparison that exceeded its budget."""

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
    """Differences between the prices of the response and the challenger's, in $100,000.

    ``prices`` are pairs of a few rows: the response's, then the challenger's.
    """

    mean: float
    worst: float
    latency_ms: float
    prices: Sequence[tuple[float, float]]


def comparison_fields(
    now: datetime, served: ServedModel, challenger: str, rows: int, outcome: Differences | str
) -> dict[str, Any]:
    """Return the fields; an error has no differences.

    Args:
        now: The time.
        served: The model that answered.
        challenger: The challenger's version, by number and digest.
        rows: Block groups that were priced.
        outcome: Differences of the prices, or the name of an error.
    """
    failed = isinstance(outcome, str)
    fields = {
        "_aws": metadata(now, _FAILED if failed else _COMPARED),
        "model_version": served.version.version,
        names.CHALLENGER_DIMENSION: challenger,
        "rows": rows,
        names.SHADOW_REQUESTS: 1,
        names.SHADOW_ERRORS: int(failed and outcome != TIMED_OUT),
        names.SHADOW_TIMED_OUT: int(outcome == TIMED_OUT),
        "message": "shadow",
    }
    if isinstance(outcome, str):
        return {**fields, "error": outcome}
    return {
        **fields,
        names.SHADOW_LATENCY: outcome.latency_ms,
        names.SHADOW_DIFFERENCE: outcome.mean,
        names.SHADOW_DIFFERENCE_WORST: outcome.worst,
        "prices": outcome.prices,
    }
