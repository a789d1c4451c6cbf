"""Counts and latency of the whole account, read from CloudWatch; one sandbox knows only its own.

CloudWatch keeps sums of minutes and hours; a counter has to grow. What is told is the sum since the
month began, so that a counter starts anew with each month, which whoever reads counters allows for.
Whole hours are read once, and the minutes since at every reading.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from housing import metric_names as names
from predict.errors import STATUS, StoreUnavailableError
from predict.telemetry import SERVICE

DELAY = timedelta(minutes=2)
"""CloudWatch may show what was logged so much later; a minute that is read before is read short."""

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_RECENT = timedelta(minutes=5)
_RETRY_SECONDS = 60
TRAINING, RETRAIN = "training", "retrain"
REASONS = sorted({error.reason for error in STATUS} | {"unexpected"})


@dataclass(frozen=True, slots=True)
class Series:
    """One statistic of one of the project's metrics."""

    metric: str
    statistic: str = "Sum"
    service: str = SERVICE
    dimensions: tuple[tuple[str, str], ...] = ()

    def query(self, query_id: str, period: timedelta) -> dict[str, Any]:
        """Return the query of ``GetMetricData``."""
        dimensions = [(names.SERVICE_DIMENSION, self.service), *self.dimensions]
        metric = {
            "Namespace": names.NAMESPACE,
            "MetricName": self.metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions],
        }
        seconds = int(period.total_seconds())
        return {
            "Id": query_id,
            "MetricStat": {"Metric": metric, "Period": seconds, "Stat": self.statistic},
        }


REQUESTS = Series(names.PREDICTION_REQUESTS)
SUCCESS = Series(names.PREDICTION_SUCCESS)
ERRORS = {
    reason: Series(names.PREDICTION_ERRORS, dimensions=((names.REASON_DIMENSION, reason),))
    for reason in REASONS
}
LATENCY_SUM = Series(names.PREDICTION_LATENCY)
LATENCY_COUNT = Series(names.PREDICTION_LATENCY, "SampleCount")
ROWS = Series(names.ROWS_PREDICTED)
JOBS_SUCCEEDED = Series(names.JOBS_SUCCEEDED, service=TRAINING)
JOBS_REJECTED = Series(names.JOBS_REJECTED, service=TRAINING)
JOBS_FAILED = Series(names.JOBS_FAILED, service=TRAINING)
JOBS_GIVEN_UP = Series(names.JOBS_FAILED, service=RETRAIN)
COUNTERS: Sequence[Series] = (
    REQUESTS,
    SUCCESS,
    *ERRORS.values(),
    LATENCY_SUM,
    LATENCY_COUNT,
    ROWS,
    JOBS_SUCCEEDED,
    JOBS_REJECTED,
    JOBS_FAILED,
    JOBS_GIVEN_UP,
)
"""What grows; their minutes add up."""

QUANTILES: Mapping[str, Series] = {
    "0.5": Series(names.PREDICTION_LATENCY, "p50"),
    "0.9": Series(names.PREDICTION_LATENCY, "p90"),
    "0.99": Series(names.PREDICTION_LATENCY, "p99"),
}
STALE = Series(names.MODEL_STALENESS, "Maximum")
AGE = Series(names.MODEL_AGE, "Maximum")
LOWEST_VERSION = Series(names.MODEL_VERSION, "Minimum")
HIGHEST_VERSION = Series(names.MODEL_VERSION, "Maximum")
GAUGES: Sequence[Series] = (*QUANTILES.values(), STALE, AGE, LOWEST_VERSION, HIGHEST_VERSION)
"""What goes up and down; the newest five minutes that say anything count."""


class MetricSource(Protocol):
    """The part of CloudWatch's client that is used."""

    def get_metric_data(self, **query: Any) -> Mapping[str, Any]:
        """Return values of metrics.

        See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
        """
        ...


@dataclass(frozen=True, slots=True)
class Figures:
    """What the account counted.

    Attributes:
        until: The minute up to which it is counted.
        totals: Of each counter, since the month of ``until`` began.
        recent: Of each gauge; not there where nothing was measured.
    """

    until: datetime
    totals: Mapping[Series, float]
    recent: Mapping[Series, float]


Sums = dict[Series, float]


@dataclass(slots=True)
class AccountMetrics:
    """Reads the figures, once for each minute.

    All processes read up to the same minute: of two with caches of different ages, the older would
    answer less than was told before, which a reader of counters takes for a restart.
    """

    source: Callable[[], MetricSource]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _figures: Figures | None = None
    _hours: tuple[datetime, datetime, Sums] | None = None

    def figures(self) -> Figures:
        """Return the figures of the newest minute that is settled; older ones where they fail.

        Raises:
            StoreUnavailableError: CloudWatch does not answer, and never did.
        """
        until = _floor(self.now() - DELAY, _MINUTE)
        with self._lock:
            if self._figures is None or self._figures.until < until:
                try:
                    self._figures = self._read(until)
                except Exception as exc:
                    if self._figures is None or not _same_month(self._figures.until, until):
                        msg = f"CloudWatch does not tell the metrics: {type(exc).__name__}"
                        raise StoreUnavailableError(
                            msg, retry_after_seconds=_RETRY_SECONDS
                        ) from exc
            return self._figures

    def _read(self, until: datetime) -> Figures:
        month = until.replace(day=1, hour=0, minute=0)
        hour = _floor(until, _HOUR)
        totals = dict(self._whole_hours(month, hour))
        recent: Sums = {}
        start = min(hour, until - 2 * _RECENT)
        queries = {f"c{place}": (one, _MINUTE) for place, one in enumerate(COUNTERS)}
        queries |= {f"g{place}": (one, _RECENT) for place, one in enumerate(GAUGES)}
        for series, points in self._points(queries, start, until):
            if series in totals:
                totals[series] += sum(value for at, value in points if hour <= at < until)
            elif points:
                recent[series] = max(points)[1]  # the newest
        before = self._figures
        if before and _same_month(before.until, until):
            totals = {one: max(total, before.totals[one]) for one, total in totals.items()}
        return Figures(until, totals, recent)

    def _whole_hours(self, month: datetime, hour: datetime) -> Sums:
        """Sum up since the month began; hours that were summed before are not read again."""
        start, sums = month, dict.fromkeys(COUNTERS, 0.0)
        if self._hours and self._hours[0] == month:
            start, sums = self._hours[1], dict(self._hours[2])
        if start < hour:
            queries = {f"h{place}": (one, _HOUR) for place, one in enumerate(COUNTERS)}
            for series, points in self._points(queries, start, hour):
                sums[series] += sum(value for at, value in points if start <= at < hour)
            self._hours = (month, hour, sums)
        return sums

    def _points(
        self, queries: Mapping[str, tuple[Series, timedelta]], start: datetime, end: datetime
    ) -> Iterable[tuple[Series, list[tuple[datetime, float]]]]:
        """Return the points of each series, all pages of them."""
        found: dict[str, list[tuple[datetime, float]]] = {query_id: [] for query_id in queries}
        asked: dict[str, Any] = {
            "MetricDataQueries": [
                one.query(name, period) for name, (one, period) in queries.items()
            ],
            "StartTime": start,
            "EndTime": end,
        }
        source = self.source()
        while True:
            answer = source.get_metric_data(**asked)
            for result in answer["MetricDataResults"]:
                found[result["Id"]] += zip(result["Timestamps"], result["Values"], strict=True)
            if not answer.get("NextToken"):
                return [(queries[name][0], points) for name, points in found.items()]
            asked["NextToken"] = answer["NextToken"]


def _floor(moment: datetime, unit: timedelta) -> datetime:
    seconds = int(unit.total_seconds())
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)


def _same_month(one: datetime, other: datetime) -> bool:
    return (one.year, one.month) == (other.year, other.month)
