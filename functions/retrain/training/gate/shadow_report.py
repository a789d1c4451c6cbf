"""Figures of the current challenger in shadow mode, for the gate's report."""

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
    """Port: figures of a version that ran in shadow mode."""

    def figures(self, version: ModelVersion) -> ShadowFigures | None:
        """Return a version's figures, or None without any; errors are raised."""
        ...


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class CloudWatchShadowReport(ShadowReport):
    """Reads the predict function's shadow metrics of the last days."""

    cloudwatch: Callable[[], MetricSource]
    days: int
    now: Callable[[], datetime] = _utc_now

    @override
    def figures(self, version: ModelVersion) -> ShadowFigures | None:
        """Return a version's figures; a request's difference counts once, however many its rows."""
        values = self._values(version.unique_name)
        if not sum(values["requests"]):
            return None
        compared = sum(values["compared"])
        return ShadowFigures(
            version=version.version,
            days=self.days,
            requests=round(sum(values["requests"])),
            errors=round(sum(values["errors"])),
            timed_out=round(sum(values["timed_out"])),
            mean_difference=sum(values["difference"]) / compared if compared else None,
            worst_difference=max(values["worst"], default=None),
        )

    def _values(self, challenger: str) -> dict[str, list[float]]:
        """Return the hourly values of each query, in any order."""
        end = self.now()
        dimensions = ((names.CHALLENGER_DIMENSION, challenger),)
        queries = {
            name: (Series(metric, _PREDICT, statistic, dimensions), _PERIOD)
            for name, (metric, statistic) in _QUERIES.items()
        }
        series = fetch_points(self.cloudwatch(), queries, end - timedelta(days=self.days), end)
        return {
            name: [value for _, value in points]
            for name, (_, points) in zip(queries, series, strict=True)
        }


def with_shadow(verdict: Verdict, registry: ModelRegistry, report: ShadowReport | None) -> Verdict:
    """Return a verdict with the shadow figures of the current challenger, if any.

    It never raises: the figures are informative, and a job must not fail for them.
    """
    if report is None:
        return verdict
    try:
        holder = holder_of(registry, CHALLENGER)
        figures = report.figures(holder) if holder else None
    except Exception as exc:  # noqa: BLE001 - see the docstring
        _LOG.warning("shadow_not_reported", extra={"error": str(exc)})
        return verdict
    return verdict.model_copy(update={"shadow": figures})
