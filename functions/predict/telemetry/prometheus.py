"""The account's figures in Prometheus' text format, under the names of ``monitoring/prometheus``.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from predict.telemetry import account_metrics as account
from predict.telemetry.account_metrics import Figures

if TYPE_CHECKING:
    from housing.metrics.points import Series

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_MILLISECONDS = 1_000


def as_text(figures: Figures) -> bytes:
    """Write the figures; old ones with a timestamp.

    Without it Prometheus would take a counter of a few minutes ago for a reset one, if it has read
    a newer one from another sandbox. With it, it drops the sample.
    """
    registry = CollectorRegistry()
    registry.register(_Collector(figures))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        """Yield the families."""
        read_at = self._figures.read_at if self._figures.is_old else None
        for family in (*self._counters(), self._latency(), *self._gauges()):
            yield _at(family, read_at)
        yield GaugeMetricFamily(
            "housing_metrics_until_timestamp_seconds",
            "the minute up to which all this is counted",
            value=self._figures.until.timestamp(),
        )

    def _counters(self) -> Iterator[Metric]:
        totals = self._figures.totals
        counted: list[tuple[str, str, list[Series]]] = [
            (
                "prediction_requests",
                "requests to predict since the month began",
                [account.REQUESTS],
            ),
            ("prediction_success", "requests that were answered with prices", [account.SUCCESS]),
            ("housing_rows_predicted", "block groups that were priced", [account.ROWS]),
            ("housing_jobs_succeeded", "training jobs that succeeded", [account.JOBS_SUCCEEDED]),
            ("housing_jobs_rejected", "uploads that were rejected", [account.JOBS_REJECTED]),
            (
                "housing_jobs_failed",
                "training jobs that failed or were given up",
                [account.JOBS_FAILED, account.JOBS_GIVEN_UP],
            ),
        ]
        for name, text, series in counted:
            yield CounterMetricFamily(name, text, value=sum(totals[one] for one in series))
        errors = CounterMetricFamily(
            "prediction_error", "requests that were refused or failed", labels=["reason"]
        )
        for reason, one in account.ERRORS.items():
            errors.add_metric([reason], totals[one])
        yield errors

    def _latency(self) -> Metric:
        totals, recent = self._figures.totals, self._figures.recent
        latency = SummaryMetricFamily(
            "prediction_latency_seconds",
            "from a request's arrival to its answer; quantiles of the last whole five minutes",
            count_value=round(totals[account.LATENCY_COUNT]),
            sum_value=totals[account.LATENCY_SUM] / _MILLISECONDS,
        )
        for quantile, one in account.QUANTILES.items():
            if one in recent:
                value = recent[one] / _MILLISECONDS
                latency.add_sample("prediction_latency_seconds", {"quantile": quantile}, value)
        return latency

    def _gauges(self) -> Iterator[Metric]:
        recent = self._figures.recent
        gauges = (
            ("housing_model_stale", "1 where somebody was served a stale model", account.STALE),
            ("housing_model_age_seconds", "age of the oldest version that answered", account.AGE),
            (
                "housing_fast_trees",
                "1 where the library of trees answered everybody",
                account.FAST_TREES,
            ),
        )
        for name, text, one in gauges:
            if one in recent:
                yield GaugeMetricFamily(name, text, value=recent[one])
        version = GaugeMetricFamily(
            "housing_model_version", "versions that answered", labels=["bound"]
        )
        for bound, one in (
            ("lowest", account.LOWEST_VERSION),
            ("highest", account.HIGHEST_VERSION),
        ):
            if one in recent:
                version.add_metric([bound], recent[one])
        if version.samples:
            yield version


def _at(family: Metric, moment: datetime | None) -> Metric:
    if moment:
        seconds = moment.timestamp()
        family.samples = [one._replace(timestamp=seconds) for one in family.samples]
    return family
