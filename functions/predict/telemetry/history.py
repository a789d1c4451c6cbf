"""Requests, errors and latencies of the last hours, by period, for a chart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from housing.metrics.points import MetricSource, Series, fetch_points

FINE, COARSE = timedelta(minutes=5), timedelta(hours=1)
FINE_UP_TO_HOURS = 24
MOST_HOURS = 7 * 24


@dataclass(frozen=True, slots=True)
class Period:
    """Sums and quantiles of one period; quantiles only where there were requests.

    Attributes:
        at: Its beginning.
        values: Values by series; those of counters are always there.
    """

    at: datetime
    values: Mapping[Series, float]


@dataclass(frozen=True, slots=True)
class History:
    """The periods, oldest first."""

    until: datetime
    period: timedelta
    periods: Sequence[Period]


def period_of(hours: int) -> timedelta:
    """Return the period in which so many hours are shown."""
    return FINE if hours <= FINE_UP_TO_HOURS else COARSE


def read_history(
    source: MetricSource,
    counters: Sequence[Series],
    gauges: Sequence[Series],
    *,
    until: datetime,
    hours: int,
) -> History:
    """Read the last hours.

    Args:
        source: CloudWatch's client.
        counters: Series that are 0 in a period without values.
        gauges: Series that are left out there.
        until: End of the last period, a multiple of the period.
        hours: Number of hours before it.

    Raises:
        PartialMetricsError: CloudWatch reports partial data.
    """
    period = period_of(hours)
    count = timedelta(hours=hours) // period
    start = until - count * period
    rows: list[dict[Series, float]] = [dict.fromkeys(counters, 0.0) for _ in range(count)]
    queries = {f"h{place}": (one, period) for place, one in enumerate((*counters, *gauges))}
    for series, points in fetch_points(source, queries, start, until):
        for at, value in points:
            place = (at - start) // period
            if 0 <= place < count:
                rows[place][series] = value
    return History(
        until, period, [Period(start + place * period, row) for place, row in enumerate(rows)]
    )
