"""How the present challenger did beside production on real requests, for the gate's report."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from typing_extensions import override

from housing.jobs.results import ShadowFigures, Verdict
from housing.metrics import names
from housing.metrics.points import MetricSource, Series, fetch_points
from housing.registry.live_model import holder_of
from housing.registry.port import CHALLENGER, ModelRegistry, ModelVersion

_PREDICT = "predict"
_PERIOD = timedelta(hours=1)
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

    def figures(self, version: ModelVersion) -> ShadowFigures | None:
        """Return a version's figures, or None where there are none; what goes wrong is raised."""
        ...


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class CloudWatchShadowReport(ShadowReport):
    """The metrics that the predict function wrote, over the last days."""

    cloudwatch: Callable[[], MetricSource]
    days: int
    now: Callable[[], datetime] = _utc_now

    @override
    def figures(self, version: ModelVersion) -> ShadowFigures | None:
        """Return a version's figures; a request's difference counts once, however many its rows."""
        found = self._values(version.unique_name)
        if not sum(found["requests"]):
            return None
        compared = sum(found["compared"])
        return ShadowFigures(
            version=version.version,
            days=self.days,
            requests=round(sum(found["requests"])),
            errors=round(sum(found["errors"])),
            timed_out=round(sum(found["timed_out"])),
            mean_difference=sum(found["difference"]) / compared if compared else None,
            worst_difference=max(found["worst"], default=None),
        )

    def _values(self, challenger: str) -> dict[str, list[float]]:
        """Return a value for each hour by query; their order does not matter."""
        end = self.now()
        dimensions = ((names.CHALLENGER_DIMENSION, challenger),)
        queries = {
            name: (Series(metric, _PREDICT, statistic, dimensions), _PERIOD)
            for name, (metric, statistic) in _QUERIES.items()
        }
        found = fetch_points(self.cloudwatch(), queries, end - timedelta(days=self.days), end)
        return {
            name: [value for _, value in points]
            for name, (_, points) in zip(queries, found, strict=True)
        }


def with_shadow(verdict: Verdict, registry: ModelRegistry, report: ShadowReport | None) -> Verdict:
    """Return a verdict with the figures of the version that is the challenger now, if any.

    It never raises: a job does not fail for figures that nothing is decided by.
    """
    if report is None:
        return verdict
    try:
        holder = holder_of(registry, CHALLENGER)
        figures = report.figures(holder) if holder else None
    except Exception as exc:  # noqa: BLE001 - as said
        _LOG.warning("shadow_not_reported", extra={"error": str(exc)})
        return verdict
    return verdict.model_copy(update={"shadow": figures})
