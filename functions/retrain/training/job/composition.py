"""The one place where the training job is put together from its real parts."""

import boto3
from botocore.config import Config

from housing.alerts.folded import alerts_to
from housing.registry.mlflow import MlflowModelRegistry
from housing.s3.artifacts import S3ArtifactReader
from retrain.training.gate.shadow_report import CloudWatchShadowReport, ShadowReport
from retrain.training.job.context import Parts
from retrain.training.settings import TrainingSettings
from retrain.training.tracking.mlflow import MlflowRunTracker

_REGISTRY_SECONDS = 30.0
_REGISTRY_TRIES = 4
_BOUNDED = Config(
    connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 3, "mode": "standard"}
)
_BRIEF = Config(
    connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"}
)


def parts_of(settings: TrainingSettings) -> Parts:
    """Build the job's surroundings; nothing is called yet."""
    s3 = boto3.client("s3", config=_BOUNDED)
    return Parts(
        settings=settings,
        s3=s3,
        registry=MlflowModelRegistry(
            settings.registry_access(),
            settings.model_name,
            timeout_seconds=_REGISTRY_SECONDS,
            tries=_REGISTRY_TRIES,
            artifact_readers={"s3": S3ArtifactReader()},
        ),
        tracker=MlflowRunTracker(settings.tracking_uri, settings.model_name, settings.bucket),
        alerts=alerts_to(settings.alert_topic_arn, s3, settings.bucket),
        shadow_report=_shadow_report(settings),
    )


def _shadow_report(settings: TrainingSettings) -> ShadowReport | None:
    if not settings.shadow_days:
        return None
    return CloudWatchShadowReport(
        lambda: boto3.client("cloudwatch", config=_BRIEF), settings.shadow_days
    )
