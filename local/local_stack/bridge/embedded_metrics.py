"""Parse CloudWatch's embedded metric format (EMF).

Specification:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_MARK = '"_aws"'
_MOST_DIMENSIONS = 30
_MOST_METRICS = 100
_MOST_VALUES = 100
_OLDEST, _NEWEST = timedelta(days=14), timedelta(hours=2)
_LONGEST = 1_024
_LONGEST_NAME = 255
_BYTES = ("Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes")
_BITS = ("Bits", "Kilobits", "Megabits", "Gigabits", "Terabits")
_AMOUNTS = (*_BYTES, *_BITS, "Count")
UNITS = frozenset(
    {
        *("Seconds", "Microseconds", "Milliseconds", "Percent", "None"),
        *_AMOUNTS,
        *(f"{amount}/Second" for amount in _AMOUNTS),
    }
)
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html"""


class BadLineError(ValueError):
    """Raised when a line with metrics violates the specification."""


@dataclass(frozen=True, slots=True)
class Datum:
    """The values of one metric and one set of dimensions in a line."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    resolution: int
    at: datetime
    values: tuple[float, ...]


def data_of(line: str, now: datetime) -> list[Datum]:
    """Return the metrics of a line; none of a line without metrics.

    Raises:
        BadLineError: The line violates the specification; none of its metrics count.
    """
    if _MARK not in line:
        return []
    try:
        root = json.loads(line, parse_constant=_refuse_constant)
    except RecursionError as exc:
        msg = "nested too deeply"
        raise BadLineError(msg) from exc
    except ValueError as exc:
        msg = f"not JSON: {exc}"
        raise BadLineError(msg) from exc
    if not isinstance(root, dict) or "_aws" not in root:
        return []
    metadata = _an_object(root["_aws"], "_aws")
    at = _time(metadata.get("Timestamp"), now)
    directives = _a_list(metadata.get("CloudWatchMetrics"), "CloudWatchMetrics")
    return [datum for directive in directives for datum in _of_directive(directive, root, at)]


def _of_directive(given: Any, root: Mapping[str, Any], at: datetime) -> Iterator[Datum]:
    directive = _an_object(given, "a directive")
    namespace = _text(directive.get("Namespace"), "Namespace", _LONGEST_NAME)
    sets = _a_list(directive.get("Dimensions"), "Dimensions")
    metrics = _a_list(directive.get("Metrics"), "Metrics", most=_MOST_METRICS)
    dimension_sets = [_dimensions(names, root) for names in sets]
    for given_metric in metrics:
        metric = _an_object(given_metric, "a metric")
        name = _text(metric.get("Name"), "a metric's Name", _LONGEST_NAME)
        unit = _one_of(metric.get("Unit", "None"), UNITS, f"Unit of {name}")
        resolution = _one_of(
            metric.get("StorageResolution", 60), {1, 60}, f"StorageResolution of {name}"
        )
        values = _values(root, name)
        for dimensions in dict.fromkeys(dimension_sets) if values else ():
            yield Datum(namespace, name, dimensions, unit, resolution, at, values)


def _dimensions(names: Any, root: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    keys = [_text(key, "a dimension", _LONGEST_NAME) for key in _a_list(names, "a dimension set")]
    if len(keys) > _MOST_DIMENSIONS:
        msg = f"a dimension set has {len(keys)} names, over {_MOST_DIMENSIONS}"
        raise BadLineError(msg)
    values = {key: _text(root.get(key), f"the dimension {key}", _LONGEST) for key in keys}
    return tuple(sorted(values.items()))


def _values(root: Mapping[str, Any], name: str) -> tuple[float, ...]:
    if name not in root:
        msg = f"the metric {name} has no value"
        raise BadLineError(msg)
    given = root[name]
    values = given if isinstance(given, list) else [given]
    if len(values) > _MOST_VALUES:
        msg = f"the metric {name} has {len(values)} values, over {_MOST_VALUES}"
        raise BadLineError(msg)
    return tuple(_number(value, name) for value in values)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"the metric {name} is not a number"
        raise BadLineError(msg)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        msg = f"the metric {name} is not finite"
        raise BadLineError(msg)
    return number


def _time(given: Any, now: datetime) -> datetime:
    if isinstance(given, bool) or not isinstance(given, int):
        msg = "Timestamp is not a number of milliseconds"
        raise BadLineError(msg)
    try:
        at = datetime.fromtimestamp(given / 1_000, UTC)
    except (OverflowError, OSError, ValueError) as exc:
        msg = "Timestamp is not a time"
        raise BadLineError(msg) from exc
    if not now - _OLDEST <= at <= now + _NEWEST:
        msg = "Timestamp is over 14 days ago, or over two hours ahead"
        raise BadLineError(msg)
    return at


def _one_of(value: Any, allowed: Any, what: str) -> Any:
    if isinstance(value, str | int) and not isinstance(value, bool) and value in allowed:
        return value
    msg = f"{what} is not one of CloudWatch's"
    raise BadLineError(msg)


def _text(value: Any, what: str, longest: int) -> str:
    if isinstance(value, str) and value.strip() and len(value) <= longest:
        return value
    msg = f"{what} is not a text of 1 to {longest} characters"
    raise BadLineError(msg)


def _an_object(value: Any, what: str) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    msg = f"{what} is not an object"
    raise BadLineError(msg)


def _a_list(value: Any, what: str, most: int | None = None) -> list[Any]:
    if isinstance(value, list) and (most is None or len(value) <= most):
        return value
    msg = f"{what} is not a list" + (f" of at most {most}" if most else "")
    raise BadLineError(msg)


def _refuse_constant(name: str) -> float:
    msg = f"{name} is not a number"
    raise ValueError(msg)
