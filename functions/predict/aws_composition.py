"""Composition of the parts that need boto3, which takes 400 ms to import."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from boto3.session import Session
from botocore.config import Config

from housing.alerts.alert import AlertSink, LoggedAlerts, SnsAlerts
from housing.registry.ledger import Ledger
from housing.registry.live_model import LiveModel
from housing.registry.mlflow import MlflowModelRegistry
from housing.s3.artifacts import S3ArtifactReader
from predict.admin.alarms import Alarms
from predict.admin.alias_audit import AliasAudit
from predict.admin.model_changes import ModelChanges
from predict.admin.training_jobs import TrainingJobs
from predict.admin.upload_grants import UploadGrants
from predict.errors import StoreUnavailableError
from predict.model.refusals import AlertedRefusals
from predict.settings import PredictSettings
from predict.telemetry.account_metrics import AccountMetrics

_REGISTRY_SECONDS = 4.0  # a change makes about six calls, within API Gateway's 29 s
_REGISTRY_TRIES = 3
_BOUNDED = Config(
    connect_timeout=1, read_timeout=4, retries={"total_max_attempts": 2, "mode": "standard"}
)
# A form for the bucket's global host would be redirected to the region's, which a browser that
# posts from another origin does not follow.
_OF_THE_REGION = _BOUNDED.merge(
    Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
)


@dataclass(frozen=True, slots=True)
class Operations:
    """What an administrator watches: jobs and alarms; and uploads."""

    jobs: TrainingJobs
    uploads: UploadGrants
    alarms: Alarms


def refusals(settings: PredictSettings) -> AlertedRefusals:
    """Build the alerts on refused versions."""
    s3 = Session().client("s3", config=_BOUNDED)
    return AlertedRefusals(s3, settings.bucket, _alerts(settings))


def model_changes(settings: PredictSettings, on_change: Callable[[], None]) -> ModelChanges:
    """Build the changes of the live model; nothing is called yet.

    Args:
        settings: With registry, bucket and topic.
        on_change: Called after a change, so that this process follows it at once.

    Raises:
        StoreUnavailableError: No bucket is configured, and so no ledger.
    """
    live = _live_model(settings)
    return ModelChanges(live, settings.model_name, _alerts(settings), on_change)


def alias_audit(settings: PredictSettings) -> AliasAudit:
    """Build the audit of the aliases; nothing is called yet.

    Raises:
        StoreUnavailableError: As ``model_changes``.
    """
    return AliasAudit(_live_model(settings), settings.model_name, _alerts(settings))


def _live_model(settings: PredictSettings) -> LiveModel:
    if settings.bucket is None:
        msg = "HOUSING_BUCKET is not set: changes need its ledger"
        raise StoreUnavailableError(msg, retry_after_seconds=60)
    registry = MlflowModelRegistry(
        settings.registry_access(),
        settings.model_name,
        timeout_seconds=_REGISTRY_SECONDS,
        tries=_REGISTRY_TRIES,
        artifact_readers={"s3": S3ArtifactReader()},
    )
    s3 = Session().client("s3", config=_BOUNDED)
    return LiveModel(registry, Ledger(s3, settings.bucket), s3, settings.bucket)


def operations(settings: PredictSettings) -> Operations:
    """Build the operations; nothing is called yet.

    Raises:
        StoreUnavailableError: No bucket is configured.
    """
    if settings.bucket is None:
        msg = "HOUSING_BUCKET is not set: jobs and uploads are in it"
        raise StoreUnavailableError(msg, retry_after_seconds=60)
    return Operations(
        TrainingJobs(Session().client("s3", config=_BOUNDED), settings.bucket),
        UploadGrants(
            Session().client("s3", config=_OF_THE_REGION),
            settings.bucket,
            timedelta(minutes=settings.upload_minutes),
            settings.upload_max_bytes,
        ),
        Alarms(
            cache(lambda: Session().client("cloudwatch", config=_BOUNDED)),
            tuple(name.strip() for name in settings.alarms.split(",") if name.strip()),
        ),
    )


def account_metrics(settings: PredictSettings) -> AccountMetrics:
    """Build the reader of the account's metrics; nothing is called yet."""
    source = cache(lambda: Session().client("cloudwatch", config=_BOUNDED))
    return AccountMetrics(
        source,
        delay=timedelta(seconds=settings.metrics_delay_seconds),
        wait_seconds=settings.metrics_timeout_seconds,
    )


def _alerts(settings: PredictSettings) -> AlertSink:
    if settings.alert_topic_arn is None:
        return LoggedAlerts()
    return SnsAlerts(Session().client("sns", config=_BOUNDED), settings.alert_topic_arn)
