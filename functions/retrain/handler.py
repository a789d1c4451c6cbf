"""Entry of the retrain function: an S3 event in, training jobs started.

A schedule calls it as well: then jobs that died are started again.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from housing.alerts.job_outcomes import alert_on
from housing.metrics import names as metric_names
from retrain.composition import Service, service
from retrain.events import jobs_in
from retrain.launching import launch_jobs
from retrain.sweeping import sweep

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
    def entry(event: Event, _context: LambdaContext) -> dict[str, Any]:
        try:
            return _started(event, parts)
        finally:
            if parts.metrics.metric_set:
                parts.metrics.flush_metrics()

    return entry


def _started(event: Event, parts: Service) -> dict[str, Any]:
    if event.get("source") == _SCHEDULE:
        return _swept(parts)
    found = jobs_in(event)
    parts.metrics.add_metric(metric_names.UPLOADS_RECEIVED, MetricUnit.Count, len(found))
    launched = launch_jobs(found, parts.jobs, parts.launcher)
    parts.metrics.add_metric(metric_names.JOBS_STARTED, MetricUnit.Count, len(launched.started))
    return {"started": launched.started, "repeated": launched.repeated}


def _swept(parts: Service) -> dict[str, Any]:
    swept = sweep(parts.jobs, parts.launcher, bucket=parts.bucket)
    parts.metrics.add_metric(metric_names.JOBS_STARTED, MetricUnit.Count, len(swept.started))
    # What such a job cannot say itself any more.
    parts.metrics.add_metric(metric_names.JOBS_FAILED, MetricUnit.Count, len(swept.given_up))
    for status in swept.given_up:
        alert = alert_on(status, parts.model_name)
        if alert:
            parts.alerts.send(alert)
    return {"started": swept.started, "given_up": [status.job_id for status in swept.given_up]}
