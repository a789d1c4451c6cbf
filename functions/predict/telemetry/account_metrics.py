"""Request counts and latencies of the whole account, from CloudWatch: a sandbox knows only its own.

CloudWatch keeps sums of minutes and hours, but a counter must grow. Its value here is the sum since
the beginning of the month, and it resets with each month, which readers of counters allow for.
Settled hours are read once, the minutes after them at every reading.

Prometheus takes a falling counter for a restart, and then counts the month's sum again. So all
sandboxes return the same value for the same minute: none keeps an hour that may still grow, sums do
not depend on the order of addition, a partial result is an error, and a sandbox that cannot read
the newest minute returns its figures with their time.
"""

import logging
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from housing.metrics import names
from housing.metrics.points import MetricSource, Points, Series, fetch_points
from predict.background import BackgroundCall, Deadline, Workers
from predict.errors import STATUS, StoreUnavailableError
from predict.telemetry.history import History, period_of, read_history
from predict.telemetry.telemetry import SERVICE

DELAY = timedelta(minutes=2)
"""Longest delay of CloudWatch: a minute that is read earlier may be incomplete."""

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_RECENT = timedelta(minutes=5)
SETTLED = timedelta(minutes=15)
"""An hour may still grow for so long after its end and the delay; then it is read for good."""
_RETRY_SECONDS = 60
_WAIT_SECONDS = 5.0
_LATENCY_DIGITS = 3
_LOG = logging.getLogger(__name__)
TRAINING, RETRAIN = "training", "retrain"
REASONS = sorted({error.reason for error in STATUS} | {"unexpected"})

REQUESTS = Series(names.PREDICTION_REQUESTS, SERVICE)
SUCCESS = Series(names.PREDICTION_SUCCESS, SERVICE)
ERRORS = {
    reason: Series(names.PREDICTION_ERRORS, SERVICE, dimensions=((names.REASON_DIMENSION, reason),))
    for reason in REASONS
}
LATENCY_SUM = Series(names.PREDICTION_LATENCY, SERVICE)
LATENCY_COUNT = Series(names.PREDICTION_LATENCY, SERVICE, "SampleCount")
ROWS = Series(names.ROWS_PREDICTED, SERVICE)
JOBS_SUCCEEDED = Series(names.JOBS_SUCCEEDED, TRAINING)
JOBS_REJECTED = Series(names.JOBS_REJECTED, TRAINING)
JOBS_FAILED = Series(names.JOBS_FAILED, TRAINING)
JOBS_GIVEN_UP = Series(names.JOBS_FAILED, RETRAIN)
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
"""Series whose minutes are added up."""

QUANTILES: Mapping[str, Series] = {
    "0.5": Series(names.PREDICTION_LATENCY, SERVICE, "p50"),
    "0.9": Series(names.PREDICTION_LATENCY, SERVICE, "p90"),
    "0.99": Series(names.PREDICTION_LATENCY, SERVICE, "p99"),
}
STALE = Series(names.MODEL_STALENESS, SERVICE, "Maximum")
AGE = Series(names.MODEL_AGE, SERVICE, "Maximum")
LOWEST_VERSION = Series(names.MODEL_VERSION, SERVICE, "Minimum")
HIGHEST_VERSION = Series(names.MODEL_VERSION, SERVICE, "Maximum")
FAST_TREES = Series(names.FAST_TREES, SERVICE, "Minimum")
GAUGES: Sequence[Series] = (
    *QUANTILES.values(),
    STALE,
    AGE,
    LOWEST_VERSION,
    HIGHEST_VERSION,
    FAST_TREES,
)
"""Series of which the last whole five minutes are returned."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Counters and gauges of the account.

    Attributes:
        until: End of the last minute that is counted.
        totals: Sum of each counter since the beginning of the month of ``until``.
        recent: Value of each gauge that has one.
        read_at: Time of the reading.
        is_old: Whether a newer minute exists that could not be read.
    """

    until: datetime
    totals: Mapping[Series, float]
    recent: Mapping[Series, float]
    read_at: datetime
    is_old: bool = False


Sums = dict[Series, float]


@dataclass(slots=True)
class AccountMetrics:
    """Reads the figures, once for each minute.

    Attributes:
        source: Returns CloudWatch's client.
        now: Returns the time.
        delay: Delay of CloudWatch.
        wait_seconds: Longest wait of a request; a slower reading serves the next one.
    """

    source: Callable[[], MetricSource]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    delay: timedelta = DELAY
    wait_seconds: float = _WAIT_SECONDS
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _workers: Workers = field(default_factory=lambda: Workers(most=1))
    _reading: BackgroundCall[bool] | None = None
    _figures: Figures | None = None
    _hours: tuple[datetime, datetime, Sums] | None = None
    _history_workers: Workers = field(default_factory=lambda: Workers(most=1))
    _histories: dict[int, History] = field(default_factory=dict)

    def figures(self) -> Figures:
        """Return the figures of the newest settled minute, or older ones if they cannot be read.

        Raises:
            StoreUnavailableError: CloudWatch has not answered since the month began.
        """
        until = _floor(self.now() - self.delay, _MINUTE)
        deadline = Deadline(self.wait_seconds)
        why = "it does not answer in time"
        if self._lock.acquire(timeout=deadline.remaining_seconds()):
            try:
                self._renew(until, deadline)
            except Exception as exc:  # noqa: BLE001 - after any error, the last figures hold
                _LOG.warning("metrics_not_read", extra={"error": f"{type(exc).__name__}: {exc}"})
                why = type(exc).__name__
            finally:
                self._lock.release()
        figures = self._figures
        if figures is None or _month(figures.until) != _month(until):
            msg = f"the metrics cannot be read from CloudWatch: {why}"
            raise StoreUnavailableError(msg, retry_after_seconds=_RETRY_SECONDS)
        return figures if figures.until >= until else replace(figures, is_old=True)

    def history(self, hours: int) -> History:
        """Return requests, errors and latencies of the last hours, read once for each period.

        Raises:
            StoreUnavailableError: CloudWatch does not answer, or not in time.
        """
        until = _floor(self.now() - self.delay, period_of(hours))
        known = self._histories.get(hours)
        if known and known.until == until:
            return known
        why = "it does not answer in time"
        try:
            reading = self._history_workers.start(lambda: self._read_history(until, hours))
            history = reading.result(self.wait_seconds) if reading else None
        except Exception as exc:  # noqa: BLE001 - as in figures
            _LOG.warning("history_not_read", extra={"error": f"{type(exc).__name__}: {exc}"})
            why, history = type(exc).__name__, None
        if history is None:
            msg = f"the metrics cannot be read from CloudWatch: {why}"
            raise StoreUnavailableError(msg, retry_after_seconds=_RETRY_SECONDS)
        return history

    def _read_history(self, until: datetime, hours: int) -> History:
        counters = (REQUESTS, SUCCESS, *ERRORS.values())
        history = read_history(
            self.source(), counters, tuple(QUANTILES.values()), until=until, hours=hours
        )
        self._histories[hours] = history
        return history

    def _renew(self, until: datetime, deadline: Deadline) -> None:
        """Read, or wait for the reading that an earlier request gave up on."""
        while self._figures is None or self._figures.until < until:
            reading, self._reading = self._reading, None
            reading = reading or self._workers.start(lambda: self._read(until))
            if reading is None or not reading.result(deadline.remaining_seconds()):
                self._reading = reading  # it goes on
                return

    def _read(self, until: datetime) -> bool:
        month = _month(until)
        hour = max(month, _floor(until - SETTLED, _HOUR))
        newest = _floor(until, _RECENT) - _RECENT
        queries = {f"c{place}": (one, _MINUTE) for place, one in enumerate(COUNTERS)}
        queries |= {f"g{place}": (one, _RECENT) for place, one in enumerate(GAUGES)}
        totals = dict(self._settled_hours(month, hour))
        recent: Sums = {}
        for series, points in fetch_points(self.source(), queries, min(hour, newest), until):
            if series in totals:
                totals[series] = _sum(totals[series], points, hour, until)
            else:
                recent.update((series, value) for at, value in points if at == newest)
        before = self._figures
        if before and _month(before.until) == month:
            totals = {one: max(total, before.totals[one]) for one, total in totals.items()}
        self._figures = Figures(until, totals, recent, self.now())
        return True

    def _settled_hours(self, month: datetime, hour: datetime) -> Sums:
        """Return the sums since the month began; known hours are not read again."""
        start, sums = month, dict.fromkeys(COUNTERS, 0.0)
        if self._hours and self._hours[0] == month:
            start, sums = self._hours[1], dict(self._hours[2])
        if start < hour:
            queries = {f"h{place}": (one, _HOUR) for place, one in enumerate(COUNTERS)}
            for series, points in fetch_points(self.source(), queries, start, hour):
                sums[series] = _sum(sums[series], points, start, hour)
            self._hours = (month, hour, sums)
        return sums


def _sum(total: float, points: Points, start: datetime, end: datetime) -> float:
    """Add points to a total.

    Counts are whole, latencies are logged in thousandths of a millisecond: rounded to these, a sum
    is the same whether CloudWatch added an hour's values or its minutes are added here.
    """
    added = [value for at, value in points if start <= at < end]
    return round(math.fsum([total, *added]), _LATENCY_DIGITS)


def _month(until: datetime) -> datetime:
    """Return the beginning of the month of the minute before."""
    return (until - _MINUTE).replace(day=1, hour=0, minute=0)


def _floor(moment: datetime, unit: timedelta) -> datetime:
    seconds = int(unit.total_seconds())
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)
