"""Calls of PutMetricData: equal values are one value with a count."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from local_stack.bridge.embedded_metrics import Datum

_VALUES_OF_A_DATUM = 150
_DATA_OF_A_CALL = 200  # of 1,000 allowed, since a call is limited to 1 MB, too
_Key = tuple[str, str, tuple[tuple[str, str], ...], str, int, int]


def calls(data: Iterable[Datum]) -> Iterator[dict[str, Any]]:
    """Yield the arguments of each call of PutMetricData.

    Times are truncated to the second, which keeps each value in its minute.
    """
    by_namespace: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (namespace, name, dimensions, unit, resolution, at), seen in _seen(data).items():
        values = iter(seen.items())
        while some := list(islice(values, _VALUES_OF_A_DATUM)):
            by_namespace[namespace].append(
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
                    "Timestamp": at,  # seconds since 1970
                    "Unit": unit,
                    "StorageResolution": resolution,
                    "Values": [value for value, _ in some],
                    "Counts": [float(count) for _, count in some],
                }
            )
    for namespace, metric_data in by_namespace.items():
        for start in range(0, len(metric_data), _DATA_OF_A_CALL):
            some_data = metric_data[start : start + _DATA_OF_A_CALL]
            yield {"Namespace": namespace, "MetricData": some_data}


def _seen(data: Iterable[Datum]) -> dict[_Key, Counter[float]]:
    counts: dict[_Key, Counter[float]] = defaultdict(Counter)
    for datum in data:
        at = int(datum.at.timestamp())
        key = (datum.namespace, datum.name, datum.dimensions, datum.unit, datum.resolution, at)
        counts[key].update(datum.values)
    return counts
