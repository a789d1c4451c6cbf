"""Lambda entry of the retrain function: start training jobs from S3 events.

On a schedule it restarts dead jobs and starts jobs for uploads without one.
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
    """Start the training jobs of one event; an exception makes Lambda retry the event."""
    return _entry()(event, context)


@cache
def _entry() -> Callable[[Event, LambdaContext], dict[str, Any]]:
    return entry_of(service())


def entry_of(function: Service) -> Callable[[Event, LambdaContext], dict[str, Any]]:
    """Return the handler that uses a given service."""

    @function.logger.inject_lambda_context(clear_state=True)
    def entry(event: Event, context: LambdaContext) -> dict[str, Any]:
        try:
            if event.get("source") == _SCHEDULE:
                return _swept(context, function)
            return _started(event, function)
        finally:
            if function.metrics.metric_set:
                function.metrics.flush_metrics()

    return entry


def _started(event: Event, function: Service) -> dict[str, Any]:
    jobs = jobs_in(event)
    function.metrics.add_metric(metric_names.UPLOADS_RECEIVED, MetricUnit.Count, len(jobs))
    launched = launch_jobs(jobs, function.jobs, function.launcher, function.rules)
    function.metrics.add_metric(metric_names.JOBS_STARTED, MetricUnit.Count, len(launched.started))
    if launched.refused:
        raise launched.refused[0]
    return {"started": launched.started, "repeated": launched.repeated}


def _swept(context: LambdaContext, function: Service) -> dict[str, Any]:
    """Sweep; alert on failed, refused and recovered jobs, and count them."""
    failed = 0

    def alert(status: JobStatus) -> bool:
        """Alert on a job that is given up and count it: its own process is gone."""
        nonlocal failed
        message = alert_on(status, function.model_name)
        is_sent = message is None or function.alerts.send(message)
        failed += is_sent
        return is_sent

    try:
        swept = function.sweeper.sweep(
            seconds_left=lambda: context.get_remaining_time_in_millis() / 1_000, alert=alert
        )
    finally:
        function.metrics.add_metric(metric_names.JOBS_FAILED, MetricUnit.Count, failed)
    refusals = [str(refused) for refused in swept.refused]
    for message in (
        alert_on_refusals(refusals, function.model_name),
        alert_on_recovery(swept.recovered, function.model_name),
    ):
        if message:
            function.alerts.send(message)
    started, recovered = len(swept.started), len(swept.recovered)
    function.metrics.add_metric(metric_names.JOBS_STARTED, MetricUnit.Count, started + recovered)
    if recovered:  # a metric costs in each hour in which it has a value
        function.metrics.add_metric(metric_names.UPLOADS_RECOVERED, MetricUnit.Count, recovered)
    return {
        "started": swept.started,
        "recovered": swept.recovered,
        "given_up": swept.given_up,
        "refused": refusals,
    }
