"""CloudWatch's metrics in memory: what was put is aggregated by period, page by page."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

_STATISTICS: Mapping[str, Callable[[list[float]], float]] = {
    "Sum": sum,
    "SampleCount": len,
    "Minimum": min,
    "Maximum": max,
    "p50": lambda values: float(np.percentile(values, 50)),
    "p90": lambda values: float(np.percentile(values, 90)),
    "p99": lambda values: float(np.percentile(values, 99)),
}
_Key = tuple[str, str, tuple[tuple[str, str], ...]]


class FakeCloudWatch:
    """Answers ``GetMetricData``.

    Attributes:
        calls: The queries so far.
        fails_with: Raised by every call while it is set.
        page: How many results an answer holds.
        status: What it says of each series.
    """

    def __init__(self, page: int = 7) -> None:
        self.calls: list[dict[str, Any]] = []
        self.fails_with: Exception | None = None
        self.page = page
        self.status = "Complete"
        self._points: dict[_Key, list[tuple[datetime, float]]] = defaultdict(list)

    def put(
        self, namespace: str, metric: str, at: datetime, *values: float, **dimensions: str
    ) -> None:
        """Keep values of a metric."""
        key = (namespace, metric, tuple(sorted(dimensions.items())))
        self._points[key] += [(at, value) for value in values]

    def get_metric_data(self, **query: Any) -> Mapping[str, Any]:
        """See ``housing.metrics.points.MetricSource``."""
        self.calls.append(query)
        if self.fails_with:
            raise self.fails_with
        first = int(query.get("NextToken", 0))
        asked = query["MetricDataQueries"]
        results = [
            self._result(one, query["StartTime"], query["EndTime"])
            for one in asked[first : first + self.page]
        ]
        following = first + self.page
        more = {"NextToken": str(following)} if following < len(asked) else {}
        return {"MetricDataResults": results, **more}

    def _result(self, query: Mapping[str, Any], start: datetime, end: datetime) -> dict[str, Any]:
        stat = query["MetricStat"]
        metric = stat["Metric"]
        dimensions = tuple(sorted((one["Name"], one["Value"]) for one in metric["Dimensions"]))
        buckets: dict[datetime, list[float]] = defaultdict(list)
        for at, value in self._points[metric["Namespace"], metric["MetricName"], dimensions]:
            place = datetime.fromtimestamp(at.timestamp() // stat["Period"] * stat["Period"], UTC)
            if (
                start.timestamp() // stat["Period"] * stat["Period"] <= place.timestamp()
                and at < end
            ):
                buckets[place].append(value)
        newest_first = sorted(buckets, reverse=True)
        return {
            "Id": query["Id"],
            "StatusCode": self.status,
            "Timestamps": newest_first,
            "Values": [float(_STATISTICS[stat["Stat"]](buckets[at])) for at in newest_first],
        }


class FakeAlarms:
    """Answers ``DescribeAlarms``.

    Attributes:
        alarms: The account's alarms, by name.
        fails_with: Raised by every call while it is set.
    """

    def __init__(self, **alarms: str) -> None:
        """Set the states by name."""
        self.alarms = alarms
        self.fails_with: Exception | None = None

    def describe_alarms(self, **query: Any) -> Mapping[str, Any]:
        """See ``predict.admin.alarms.AlarmSource``."""
        if self.fails_with:
            raise self.fails_with
        return {
            "MetricAlarms": [
                {
                    "AlarmName": name,
                    "StateValue": self.alarms[name],
                    "AlarmDescription": f"about {name}",
                    "StateReason": "1 datapoint",
                    "StateUpdatedTimestamp": datetime(2026, 11, 23, 12, tzinfo=UTC),
                }
                for name in query["AlarmNames"]
                if name in self.alarms
            ]
        }
