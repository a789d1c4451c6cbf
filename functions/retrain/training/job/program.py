"""Run one job with the settings of the environment."""

import boto3
from botocore.config import Config

from housing.alerts.folded import alerts_to
from housing.jobs.status import JobStore, State
from housing.registry.mlflow import MlflowModelRegistry
from housing.s3.artifacts import S3ArtifactReader
from retrain.training.gate.shadow_report import CloudWatchShadowReport, ShadowReport
from retrain.training.job.context import JobContext
from retrain.training.job.job import run
from retrain.training.job.progress import open_status
from retrain.training.model.workers import TaskRunner, worker_processes
from retrain.training.settings import TrainingSettings
from retrain.training.tracking.deferred import DeferredRunTracker
from retrain.training.tracking.port import RunTracker
from retrain.training.upload.ingest import Upload

_REGISTRY_SECONDS = 30.0
_REGISTRY_TRIES = 4
_BOUNDED = Config(
    connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 3, "mode": "standard"}
)
_BRIEF = Config(
    connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"}
)


def job_context(settings: TrainingSettings, workers: TaskRunner) -> JobContext:
    """Build the job's context; no service is called."""
    s3 = boto3.client("s3", config=_BOUNDED)
    return JobContext(
        settings=settings,
        s3=s3,
        registry=MlflowModelRegistry(
            settings.registry_access(),
            settings.model_name,
            timeout_seconds=_REGISTRY_SECONDS,
            tries=_REGISTRY_TRIES,
            artifact_readers={"s3": S3ArtifactReader()},
        ),
        tracker=DeferredRunTracker(lambda: _tracker(settings)),
        alerts=alerts_to(settings.alert_topic_arn, s3, settings.bucket),
        shadow_report=_shadow_report(settings),
        workers=workers,
    )


def _tracker(settings: TrainingSettings) -> RunTracker:
    from retrain.training.tracking.mlflow import MlflowRunTracker  # noqa: PLC0415 - takes a second

    return MlflowRunTracker(settings.tracking_uri, settings.model_name, settings.bucket)


def _shadow_report(settings: TrainingSettings) -> ShadowReport | None:
    if not settings.shadow_days:
        return None
    return CloudWatchShadowReport(
        lambda: boto3.client("cloudwatch", config=_BRIEF), settings.shadow_days
    )


def run_job(*, bucket: str, key: str, version_id: str | None, job_id: str) -> State:
    """Run the job of one upload with the settings of the environment.

    Raises:
        ValidationError: A setting is missing or not valid.
    """
    settings = TrainingSettings(bucket=bucket)
    # At once: their imports take a second, which reading and checking the file takes as well.
    with worker_processes(settings.training_processes, settings.engine) as workers:
        context = job_context(settings, workers)
        etag = None if version_id else _etag(context.jobs, job_id, key)
        return run(Upload(job_id, bucket, key, version_id, etag), context)


def _etag(jobs: JobStore, job_id: str, key: str) -> str | None:
    """Return the upload's ETag, which the launcher wrote into the status."""
    return open_status(jobs, job_id, key, "").upload_version or None
