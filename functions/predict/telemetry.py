"""What a prediction leaves behind: counts and times as metrics, and one line in the log."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from housing import metric_names
from predict.predictor import PredictedColumns, Prediction
from predict.served_model import ServedModel

SERVICE = "predict"
_LOG = logging.getLogger(__name__)
_COUNT = "Count"
_MILLISECONDS = "Milliseconds"


class MetricSink(Protocol):
    """Where metrics go."""

    def add_metric(self, name: str, unit: str, value: float) -> None:
        """Add one value."""
        ...


class Stopwatch:
    """Time since its making."""

    def __init__(self) -> None:
        """Start."""
        self._started = time.perf_counter()

    def milliseconds(self) -> float:
        """Return the time so far."""
        return (time.perf_counter() - self._started) * 1_000


@contextmanager
def measured(metrics: MetricSink) -> Iterator[Stopwatch]:
    """Count a request to predict, and whether it ended well and how fast."""
    stopwatch = Stopwatch()
    metrics.add_metric(metric_names.PREDICTION_REQUESTS, _COUNT, 1)
    try:
        yield stopwatch
    except BaseException:
        metrics.add_metric(metric_names.PREDICTION_ERRORS, _COUNT, 1)
        raise
    metrics.add_metric(metric_names.PREDICTION_SUCCESS, _COUNT, 1)
    metrics.add_metric(metric_names.PREDICTION_LATENCY, _MILLISECONDS, stopwatch.milliseconds())


def count_rows(metrics: MetricSink, rows: int) -> None:
    """Count the rows that were priced."""
    metrics.add_metric(metric_names.ROWS_PREDICTED, _COUNT, rows)


def count_cold_start(metrics: MetricSink) -> None:
    """Count the first call of a process."""
    metrics.add_metric(metric_names.COLD_START, _COUNT, 1)


def gauge_staleness(metrics: MetricSink, served: ServedModel) -> None:
    """Say whether the served model is stale."""
    metrics.add_metric(metric_names.MODEL_STALENESS, _COUNT, int(served.stale))


def log_prediction(
    features: Mapping[str, float],
    prediction: Prediction,
    served: ServedModel,
    *,
    latency_ms: float,
) -> None:
    """Log one prediction; request id and cold start come from the handler's logger."""
    _LOG.info(
        "prediction",
        extra={
            "features": dict(features),
            "price": prediction.price,
            "interval": [prediction.lower, prediction.upper],
            "model_version": served.version.version,
            "stale": served.stale,
            "latency_ms": round(latency_ms, 3),
        },
    )


def log_batch(predicted: PredictedColumns, served: ServedModel, *, latency_ms: float) -> None:
    """Log one line for a whole batch; its features would not fit into one."""
    prices = predicted.price
    _LOG.info(
        "batch_prediction",
        extra={
            "rows": len(prices),
            "mean_price": float(prices.mean()) if len(prices) else None,
            "model_version": served.version.version,
            "stale": served.stale,
            "latency_ms": round(latency_ms, 3),
        },
    )
