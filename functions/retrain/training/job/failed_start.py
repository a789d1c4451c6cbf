"""Record and report a job that failed or was stopped before its context was built."""

import logging
import os

import boto3
from botocore.config import Config

from housing.alerts.folded import alerts_to
from housing.alerts.jobs import alert_on
from housing.errors import ObjectError
from housing.jobs.status import JobStore, State
from housing.schema import SUBJECT
from retrain.training.errors import JobStoppedError
from retrain.training.job.job_metrics import write_job_metrics
from retrain.training.job.progress import JobProgress, open_status

# Between SIGTERM and SIGKILL are 30 s.
_BOUNDED = Config(
    connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 3, "mode": "standard"}
)
_LOG = logging.getLogger(__name__)


def record_failed_start(*, bucket: str, key: str, job_id: str, reason: str, next_step: str) -> None:
    """Record that a job failed, unless it has ended, and alert on it."""
    s3 = boto3.client("s3", config=_BOUNDED)
    jobs = JobStore(s3, bucket)
    status = open_status(jobs, job_id, key, "")
    if status.state.is_final:
        return
    JobProgress(jobs, status).fail(reason, next_step)
    alert = alert_on(status, os.environ.get("HOUSING_MODEL_NAME") or SUBJECT.name)
    if alert:
        # Only the topic is read: the settings as a whole may be invalid.
        topic_arn = os.environ.get("HOUSING_ALERT_TOPIC_ARN") or None
        alerts_to(topic_arn, s3, bucket).send(alert)
    write_job_metrics(status)


def record_stopped_start(*, bucket: str, key: str, job_id: str) -> State:
    """Record that a job was stopped, unless it has ended; return its state."""
    jobs = JobStore(boto3.client("s3", config=_BOUNDED), bucket)
    try:
        status = open_status(jobs, job_id, key, "")
    except ObjectError as exc:
        _LOG.warning("stop_not_recorded", extra={"job_id": job_id, "error": str(exc)})
        return State.QUEUED
    if not status.state.is_final:
        JobProgress(jobs, status).stop(JobStoppedError())
    return status.state
