"""What a Prometheus answers to the queries of a dashboard's panels."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

_MINUTE = 60.0
_POINTS = 400
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class PrometheusError(Exception):
    """Raised when Prometheus does not answer, or refuses a query."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a panel: times in seconds, values, and what it is called."""

    legend: str
    query: str
    labels: Mapping[str, str]
    times: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """The times that a dashboard shows."""

    end: float
    seconds: float

    @property
    def step(self) -> float:
        """Seconds between two points."""
        return max(_MINUTE, math.ceil(self.seconds / _POINTS / _MINUTE) * _MINUTE)


def seconds_of(since: str) -> float:
    """Return how long a dashboard looks back: ``now-6h`` is 21,600."""
    match = re.fullmatch(r"now-(\d+)([smhd])", since)
    if match is None:
        msg = f"{since}: not understood; say it as now-6h"
        raise ValueError(msg)
    return float(match[1]) * _SECONDS[match[2]]


def ask(prometheus: str, panel: Mapping[str, Any], shown: Range) -> list[Series]:
    """Run a panel's queries.

    Args:
        prometheus: URL of the server.
        panel: The panel, as Grafana reads it.
        shown: The times of interest; a panel of single values takes the last.

    Raises:
        PrometheusError: It does not answer, or refuses a query.
    """
    return [
        series
        for target in panel.get("targets", [])
        for series in _answers(prometheus, target, shown)
    ]


def query_of(target: Mapping[str, Any], step: float = _MINUTE) -> str:
    """Return a target's query as Prometheus takes it, as Grafana would send it.

    Grafana's ``$__rate_interval`` is four scrapes, or a step and a scrape if that is longer.
    """
    interval = int(max(4 * _MINUTE, step + _MINUTE))
    return str(target["expr"]).replace("$__rate_interval", f"{interval}s")


def _answers(prometheus: str, target: Mapping[str, Any], shown: Range) -> Iterator[Series]:
    query = query_of(target, shown.step)
    if target.get("range"):
        asked = {"start": shown.end - shown.seconds, "end": shown.end, "step": shown.step}
        answer = _get(f"{prometheus}/api/v1/query_range", {"query": query, **asked})
    else:
        answer = _get(f"{prometheus}/api/v1/query", {"query": query, "time": shown.end})
    for one in answer:
        points = [(float(at), float(value)) for at, value in one.get("values") or [one["value"]]]
        points = [(at, value) for at, value in points if math.isfinite(value)]
        if points:
            times, values = zip(*points, strict=True)
            yield Series(
                _legend(str(target["legendFormat"]), one["metric"]),
                query,
                one["metric"],
                times,
                values,
            )


def _legend(form: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), form)


def _get(url: str, fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        response = urllib3.request(
            "GET", url, fields={name: str(value) for name, value in fields.items()}, timeout=30
        )
        body = json.loads(response.data)
    except (urllib3.exceptions.HTTPError, ValueError) as exc:
        msg = f"no Prometheus answers at {url}: {exc}"
        raise PrometheusError(msg) from exc
    if body.get("status") != "success":
        msg = f"{fields['query']}: {body.get('error')}"
        raise PrometheusError(msg)
    return list(body["data"]["result"])
