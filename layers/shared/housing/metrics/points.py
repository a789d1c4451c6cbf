"""Points of several metrics from CloudWatch's ``GetMetricData``: all pages, or an error."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from housing.errors import PartialMetricsError
from housing.metrics import names

Points = Sequence[tuple[datetime, float]]
"""Beginnings of periods and their values, in no order."""
_WHOLE = "Complete"


@dataclass(frozen=True, slots=True)
class Series:
    """One statistic of one of the project's metrics."""

    metric: str
    service: str
    statistic: str = "Sum"
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


class MetricSource(Protocol):
    """Port: the used part of CloudWatch's client."""

    def get_metric_data(self, **query: Any) -> Mapping[str, Any]:
        """Return values of metrics.

        See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
        """
        ...


def fetch_points(
    source: MetricSource,
    queries: Mapping[str, tuple[Series, timedelta]],
    start: datetime,
    end: datetime,
) -> Iterable[tuple[Series, Points]]:
    """Return the points of each series.

    ``start`` must be a multiple of every period: periods begin at ``start`` on AWS, and at
    multiples of themselves on local endpoints.

    Args:
        source: CloudWatch's client.
        queries: Series and period by the query's id.
        start: Beginning of the first period.
        end: End of the last period.

    Raises:
        PartialMetricsError: CloudWatch reports partial data.
    """
    points_by_id: dict[str, list[tuple[datetime, float]]] = {query_id: [] for query_id in queries}
    status_by_id = dict.fromkeys(queries, _WHOLE)
    query: dict[str, Any] = {
        "MetricDataQueries": [one.query(name, period) for name, (one, period) in queries.items()],
        "StartTime": start,
        "EndTime": end,
    }
    while True:
        answer = source.get_metric_data(**query)
        for result in answer["MetricDataResults"]:
            points_by_id[result["Id"]] += zip(result["Timestamps"], result["Values"], strict=True)
            status_by_id[result["Id"]] = result[
                "StatusCode"
            ]  # PartialData where another page has more
        if not answer.get("NextToken"):
            break
        query["NextToken"] = answer["NextToken"]
    failures = sorted({code for code in status_by_id.values() if code != _WHOLE})
    if failures:
        msg = f"CloudWatch returned partial data: {', '.join(failures)}"
        raise PartialMetricsError(msg)
    return [(queries[name][0], points) for name, points in points_by_id.items()]
