"""Points of several metrics, from CloudWatch's ``GetMetricData``: all pages of it, or an error."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from housing.errors import PartialMetricsError
from housing.metrics import names

Points = Sequence[tuple[datetime, float]]
"""Values, and the beginnings of the periods that they are of; in no order."""
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
    """The part of CloudWatch's client that is used."""

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

    Periods begin at ``start`` on AWS, and at whole multiples of themselves on local endpoints: let
    ``start`` be a multiple of every period.

    Args:
        source: CloudWatch's client.
        queries: Series and period by the query's id.
        start: Periods that begin before are not asked for.
        end: Nor are values from here on.

    Raises:
        PartialMetricsError: CloudWatch says that it does not tell all of a series.
    """
    found: dict[str, list[tuple[datetime, float]]] = {query_id: [] for query_id in queries}
    said = dict.fromkeys(queries, _WHOLE)
    asked: dict[str, Any] = {
        "MetricDataQueries": [one.query(name, period) for name, (one, period) in queries.items()],
        "StartTime": start,
        "EndTime": end,
    }
    while True:
        answer = source.get_metric_data(**asked)
        for result in answer["MetricDataResults"]:
            found[result["Id"]] += zip(result["Timestamps"], result["Values"], strict=True)
            said[result["Id"]] = result["StatusCode"]  # PartialData where another page has more
        if not answer.get("NextToken"):
            break
        asked["NextToken"] = answer["NextToken"]
    short = sorted({code for code in said.values() if code != _WHOLE})
    if short:
        msg = f"CloudWatch does not tell the metrics: it says {', '.join(short)}"
        raise PartialMetricsError(msg)
    return [(queries[name][0], points) for name, points in found.items()]
