"""How the present challenger did beside production on real requests, for the gate's report."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from housing import metric_names as names
from housing.findings import ShadowFigures, Verdict
from housing.live_model import holder_of
from housing.registry import CHALLENGER, ModelRegistry

_PREDICT = "predict"
_PERIOD_SECONDS = 3_600
_QUERIES = {
    "requests": (names.SHADOW_REQUESTS, "Sum"),
    "errors": (names.SHADOW_ERRORS, "Sum"),
    "timed_out": (names.SHADOW_TIMED_OUT, "Sum"),
    "compared": (names.SHADOW_DIFFERENCE, "SampleCount"),
    "difference": (names.SHADOW_DIFFERENCE, "Sum"),
    "worst": (names.SHADOW_DIFFERENCE_WORST, "Maximum"),
}
_LOG = logging.getLogger(__name__)


class ShadowReport(Protocol):
    """What is known of a version that ran in shadow."""

    def figures(self, version: str) -> ShadowFigures | None:
        """Return a version's figures, or None where there are none; what goes wrong is raised."""
        ...


class MetricSource(Protocol):
    """The part of CloudWatch's client that is used."""

    def get_metric_data(self, **query: Any) -> Mapping[str, Any]:
        """Return values of metrics.

        See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
        """
        ...


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class CloudWatchShadowReport:
    """The metrics that the predict function wrote, over the last days."""

    cloudwatch: Callable[[], MetricSource]
    days: int
    now: Callable[[], datetime] = _utc_now

    def figures(self, version: str) -> ShadowFigures | None:
        """See ``ShadowReport.figures``; a request's difference counts once, whatever its rows."""
        found = self._values(version)
        if not sum(found["requests"]):
            return None
        compared = sum(found["compared"])
        return ShadowFigures(
            version=version,
            days=self.days,
            requests=round(sum(found["requests"])),
            errors=round(sum(found["errors"])),
            timed_out=round(sum(found["timed_out"])),
            mean_difference=sum(found["difference"]) / compared if compared else None,
            worst_difference=max(found["worst"], default=None),
        )

    def _values(self, version: str) -> dict[str, list[float]]:
        """Return a value for each hour by query; their order is of no matter."""
        end = self.now()
        found: dict[str, list[float]] = {name: [] for name in _QUERIES}
        query: dict[str, Any] = {
            "MetricDataQueries": list(_queries(version)),
            "StartTime": end - timedelta(days=self.days),
            "EndTime": end,
        }
        source = self.cloudwatch()
        while True:
            answer = source.get_metric_data(**query)
            for result in answer["MetricDataResults"]:
                found[result["Id"]] += result["Values"]
            if not answer.get("NextToken"):
                return found
            query["NextToken"] = answer["NextToken"]


def with_shadow(verdict: Verdict, registry: ModelRegistry, report: ShadowReport | None) -> Verdict:
    """Return a verdict with the figures of the version that is the challenger now, if any.

    It never raises: a job does not fail for figures that nothing is decided by.
    """
    if report is None:
        return verdict
    try:
        holder = holder_of(registry, CHALLENGER)
        figures = report.figures(holder.version) if holder else None
    except Exception as exc:  # noqa: BLE001 - as said
        _LOG.warning("shadow_not_reported", extra={"error": str(exc)})
        return verdict
    return verdict.model_copy(update={"shadow": figures})


def _queries(version: str) -> Iterable[dict[str, Any]]:
    dimensions = [
        {"Name": names.SERVICE_DIMENSION, "Value": _PREDICT},
        {"Name": names.CHALLENGER_DIMENSION, "Value": version},
    ]
    for query, (name, statistic) in _QUERIES.items():
        metric = {"Namespace": names.NAMESPACE, "MetricName": name, "Dimensions": dimensions}
        stat = {"Metric": metric, "Period": _PERIOD_SECONDS, "Stat": statistic}
        yield {"Id": query, "MetricStat": stat}
