"""One log line for each request, in CloudWatch's embedded metric format: log and metrics in one.

A line of that format may have any other fields, so that one write serves both.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson

from housing.metrics import names
from housing.tree_library import Trees
from predict.messages import Request
from predict.model.loading import ServedModel
from predict.telemetry.comparison import Differences, comparison_fields
from predict.telemetry.emf import directive, metadata, serialized

SERVICE = "predict"
PREDICTION = "prediction"
"""Message of a line with one prediction, which the command line's export selects."""
LOGGED_ROWS_OF_A_REQUEST = 10
Rows = list[dict[str, Any]]
"""Log fields of rows: features, price, interval."""

_OF_MODEL = (names.MODEL_STALENESS, names.MODEL_AGE, names.MODEL_VERSION, names.FAST_TREES)
_OF_REQUEST = (names.PREDICTION_REQUESTS, names.COLD_START)
_OF_SUCCESS = (names.PREDICTION_SUCCESS, names.PREDICTION_LATENCY, names.ROWS_PREDICTED)
_BY_SERVICE = (names.SERVICE_DIMENSION,)
_BY_REASON = (names.SERVICE_DIMENSION, names.REASON_DIMENSION)
_OF_EVERY_LINE = (
    "level",
    "timestamp",
    names.SERVICE_DIMENSION,
    "request_id",
    "function_request_id",
    "cold_start",
    "model_version",
    "stale",
    "latency_ms",
)
_INTERNAL_ERROR = 500

_PREDICTED = serialized(directive([*_OF_REQUEST, *_OF_SUCCESS, *_OF_MODEL], _BY_SERVICE))
_REFUSED = serialized(
    directive(_OF_REQUEST, _BY_SERVICE),
    directive([names.PREDICTION_ERRORS], _BY_SERVICE, _BY_REASON),
)
_LOOKED = serialized(directive(_OF_MODEL, _BY_SERVICE))


class LineSink(Protocol):
    """Port: the destination of log lines."""

    def __call__(self, lines: bytes, /) -> None:
        """Write one line of JSON or several, without the last line end."""
        ...


def to_stdout(lines: bytes) -> None:
    """Write to standard output in one write, so that lines of threads do not mix."""
    sys.stdout.buffer.write(lines + b"\n")
    sys.stdout.buffer.flush()


class TokenBucket:
    """A token bucket: filled at a rate, never beyond one second's worth (but at least one)."""

    def __init__(self, per_second: float, monotonic: Callable[[], float]) -> None:
        """Start full.

        Args:
            per_second: The rate; 0 gives no token.
            monotonic: Returns seconds.
        """
        self._per_second = per_second
        self._capacity = max(1.0, per_second) if per_second else 0.0
        self._monotonic = monotonic
        self._tokens = self._capacity
        self._filled_at = monotonic()

    def take(self, most: int) -> int:
        """Take up to ``most`` tokens and return how many."""
        now = self._monotonic()
        filled = self._tokens + (now - self._filled_at) * self._per_second
        self._tokens = min(self._capacity, filled)
        self._filled_at = now
        taken = min(most, int(self._tokens))
        self._tokens -= taken
        return taken


class Telemetry:
    """Writes the log lines of one process."""

    def __init__(
        self,
        write: LineSink = to_stdout,
        *,
        logged_per_second: float = 50.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start cold, with a full sample.

        Args:
            write: Writes the lines.
            logged_per_second: Limit on predictions logged with their features; more are sampled.
            now: Returns the time.
            monotonic: Returns seconds of a monotonic clock.
        """
        self._write = write
        self._now = now
        self._sample = TokenBucket(logged_per_second, monotonic)
        self._is_cold = True

    def mark_cold(self) -> None:
        """Count the next request as a cold start: the process was just restored."""
        self._is_cold = True

    def log_prediction(
        self,
        request: Request,
        served: ServedModel,
        latency_ms: float,
        total: int,
        rows: Callable[[int], Rows],
    ) -> None:
        """Log a successful request, with a line for each sampled row.

        Args:
            request: The request.
            served: The model that answered.
            latency_ms: From the request's arrival to its response.
            total: Block groups that were priced.
            rows: Samples as many rows, with their features and predictions.
        """
        now = self._now()
        logged = self._sample.take(min(total, LOGGED_ROWS_OF_A_REQUEST))
        drawn = rows(logged) if logged else []
        in_one_line = drawn.pop() if total == 1 and drawn else {}  # the usual case
        # All in one literal: lines made of parts of lines are a tenth of a request.
        line = {
            "level": "INFO",
            "timestamp": now,
            names.SERVICE_DIMENSION: SERVICE,
            "request_id": request.request_id,
            "function_request_id": request.function_request_id,
            "cold_start": self._is_cold,
            "model_version": served.version.version,
            "stale": served.stale,
            "latency_ms": latency_ms,
            "_aws": {"Timestamp": int(now.timestamp() * 1_000), "CloudWatchMetrics": _PREDICTED},
            names.PREDICTION_REQUESTS: 1,
            names.COLD_START: int(self._is_cold),
            **_model_gauges(served, now),
            names.PREDICTION_SUCCESS: 1,
            names.PREDICTION_LATENCY: latency_ms,
            names.ROWS_PREDICTED: total,
            "rows_not_logged": total - logged,
            "message": PREDICTION if in_one_line else "predicted",
            **in_one_line,
        }
        lines = orjson.dumps(line)
        if drawn:
            shared = {name: line[name] for name in _OF_EVERY_LINE}
            others = [{**shared, "message": PREDICTION, **row} for row in drawn]
            lines = b"\n".join([lines, *map(orjson.dumps, others)])
        self._write(lines)
        self._is_cold = False

    def log_refusal(self, request: Request, reason: str, status: int, latency_ms: float) -> None:
        """Log a request that ended in an error, without its body."""
        level = "WARNING" if status < _INTERNAL_ERROR else "ERROR"
        now = self._now()
        line = {
            **self._line(request, now, level),
            **self._request_metrics(now, _REFUSED),
            names.REASON_DIMENSION: reason,
            names.PREDICTION_ERRORS: 1,
            "message": "refused",
            "path": request.path,
            "status": status,
            "latency_ms": latency_ms,
        }
        self._write(orjson.dumps(line))
        self._is_cold = False

    def log_model(self, served: ServedModel) -> None:
        """Log the model's gauges for a request that predicts nothing."""
        now = self._now()
        line = {
            "_aws": metadata(now, _LOOKED),
            names.SERVICE_DIMENSION: SERVICE,
            "message": "model_looked_at",
            "model_version": served.version.version,
            **_model_gauges(served, now),
        }
        self._write(orjson.dumps(line))

    def log_comparison(
        self,
        request: Request,
        served: ServedModel,
        challenger: str,
        total: int,
        outcome: Differences | str,
    ) -> None:
        """Log a request that the challenger priced too, or failed on.

        Args:
            request: The request.
            served: The model that answered.
            challenger: The challenger's version, by number and digest.
            total: Block groups that were priced.
            outcome: Differences of the prices, or the name of an error.
        """
        now = self._now()
        fields = comparison_fields(now, served, challenger, total, outcome)
        self._write(orjson.dumps({**self._line(request, now, "INFO"), **fields}))

    def _request_metrics(self, now: datetime, directives: orjson.Fragment) -> dict[str, Any]:
        return {
            "_aws": metadata(now, directives),
            names.PREDICTION_REQUESTS: 1,
            names.COLD_START: int(self._is_cold),
        }

    def _line(self, request: Request, now: datetime, level: str) -> dict[str, Any]:
        return {
            "level": level,
            "timestamp": now,
            names.SERVICE_DIMENSION: SERVICE,
            "request_id": request.request_id,
            "function_request_id": request.function_request_id,
            "cold_start": self._is_cold,
        }


def _model_gauges(served: ServedModel, now: datetime) -> dict[str, float]:
    return {
        names.MODEL_STALENESS: int(served.stale),
        names.MODEL_AGE: max(0.0, (now - served.version.created_at).total_seconds()),
        names.MODEL_VERSION: int(served.version.version),
        names.FAST_TREES: int(served.predictor.trees == Trees.LIBRARY),
    }
