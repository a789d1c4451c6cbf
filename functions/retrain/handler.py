"""Entry of the retrain function: an S3 event in, training jobs started.

A schedule calls it as well: then jobs that died, and uploads without a job, are started.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from housing.alerts.jobs import alert_on, alert_on_recovery, alert_on_refusals
from housing.jobs.status import JobStatus
from housing.metrics import names as metric_names
from retrain.composition import Service, service
from retrain.events import jobs_in
from retrain.launching import launch_jobs

Event = dict[str, Any]
_SCHEDULE = "aws.events"


def lambda_handler(event: Event, context: LambdaContext) -> dict[str, Any]:
    """Start the training jobs of one event; what is raised makes Lambda try again."""
    return _entry()(event, context)


@cache
def _entry() -> Callable[[Event, LambdaContext], dict[str, Any]]:
    return entry_of(service())


def entry_of(parts: Service) -> Callable[[Event, LambdaContext], dict[str, Any]]:
    """Return the entry over given parts."""

    @parts.logger.inject_lambda_context(clear_state=True)
    def entry(event: Event, context: LambdaContext) -> dict[str, Any]:
        try:
            if event.get("source") == _SCHEDULE:
                return _swept(context, parts)
            return _started(event, parts)
        finally:
            if parts.metrics.metric_set:
                parts.metrics.flush_metrics()

    return entry


def _started(event: Event, parts: Service) -> dict[str, Any]:
    found = jobs_in(event)
    parts.metrics.add_metric(metric_names.UPLOADS_RECEIVED, MetricUnit.Count, len(found))
    launched = launch_jobs(found, parts.jobs, parts.launcher, parts.rules)
    parts.metrics.add_metric(metric_names.JOBS_STARTED, MetricUnit.Count, len(launched.started))
    if launched.refused:
        raise launched.refused[0]
    return {"started": launched.started, "repeated": launched.repeated}


def _swept(context: LambdaContext, parts: Service) -> dict[str, Any]:
    """Sweep; alert on each outcome that people should know of, and count."""
    failed = 0

    def alert(status: JobStatus) -> bool:
        """Count a job that is given up as well: it cannot do so itself any more."""
        nonlocal failed
        found = alert_on(status, parts.model_name)
        is_sent = found is None or parts.alerts.send(found)
        failed += is_sent
        return is_sent

    try:
        swept = parts.sweeper.sweep(
            seconds_left=lambda: context.get_remaining_time_in_millis() / 1_000, alert=alert
        )
    finally:
        parts.metrics.add_metric(metric_names.JOBS_FAILED, MetricUnit.Count, failed)
    refusals = [str(refused) for refused in swept.refused]
    for found in (
        alert_on_refusals(refusals, parts.model_name),
        alert_on_recovery(swept.recovered, parts.model_name),
    ):
        if found:
            parts.alerts.send(found)
    started, recovered = len(swept.started), len(swept.recovered)
    parts.metrics.add_metric(metric_names.JOBS_STARTED, MetricUnit.Count, started + recovered)
    if recovered:  # a metric costs in each hour in which it has a value
        parts.metrics.add_metric(metric_names.UPLOADS_RECOVERED, MetricUnit.Count, recovered)
    return {
        "started": swept.started,
        "recovered": swept.recovered,
        "given_up": swept.given_up,
        "refused": refusals,
    }
