"""CloudWatch's embedded metric format: the fields of a log line that are metrics, and their units.

Specification:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from housing.metrics import names

UNITS: Mapping[str, str] = {
    names.PREDICTION_REQUESTS: "Count",
    names.PREDICTION_SUCCESS: "Count",
    names.PREDICTION_ERRORS: "Count",
    names.PREDICTION_LATENCY: "Milliseconds",
    names.ROWS_PREDICTED: "Count",
    names.MODEL_STALENESS: "Count",
    names.MODEL_AGE: "Seconds",
    names.MODEL_VERSION: "None",
    names.FAST_TREES: "Count",
    names.COLD_START: "Count",
    names.SHADOW_REQUESTS: "Count",
    names.SHADOW_ERRORS: "Count",
    names.SHADOW_TIMED_OUT: "Count",
    names.SHADOW_LATENCY: "Milliseconds",
    names.SHADOW_DIFFERENCE: "None",
    names.SHADOW_DIFFERENCE_WORST: "None",
}


def directive(metrics: Iterable[str], *dimensions: Sequence[str]) -> dict[str, Any]:
    """Describe metrics by name, for each set of dimensions."""
    metrics_of = [{"Name": name, "Unit": UNITS[name]} for name in metrics]
    return {"Namespace": names.NAMESPACE, "Dimensions": dimensions, "Metrics": metrics_of}


def serialized(*directives: Mapping[str, Any]) -> orjson.Fragment:
    """Serialize directives once: they are the same in every line, and half of it."""
    return orjson.Fragment(orjson.dumps(directives))


def metadata(now: datetime, directives: orjson.Fragment) -> dict[str, Any]:
    """Return the line's field ``_aws``."""
    return {"Timestamp": int(now.timestamp() * 1_000), "CloudWatchMetrics": directives}
