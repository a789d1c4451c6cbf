"""The end of a job that did not get as far as to have its parts: written down and told as well."""

import os

import boto3

from housing.alerts import AlertSink, LoggedAlerts, SnsAlerts
from housing.jobs import JobStore
from retrain.training.job_metrics import write_job_metrics
from retrain.training.outcomes import alert_on
from retrain.training.progress import JobProgress, open_status

_MODEL_NAME = "california-housing"


def end_early(*, bucket: str, key: str, job_id: str, reason: str, next_step: str) -> None:
    """Write that a job failed, unless it had ended, and tell of it."""
    jobs = JobStore(boto3.client("s3"), bucket)
    status = open_status(jobs, job_id, key, "")
    if status.state.is_final:
        return
    JobProgress(jobs, status).fail(reason, next_step)
    alert = alert_on(status, os.environ.get("HOUSING_MODEL_NAME") or _MODEL_NAME)
    if alert:
        _alerts().send(alert)
    write_job_metrics(status)


def _alerts() -> AlertSink:
    """Read the topic alone: the settings as a whole may be what is wrong."""
    topic_arn = os.environ.get("HOUSING_ALERT_TOPIC_ARN")
    return SnsAlerts(boto3.client("sns"), topic_arn) if topic_arn else LoggedAlerts()
