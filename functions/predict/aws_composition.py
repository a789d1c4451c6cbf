"""Where the parts that need boto3 are put together: it takes 400 ms to import."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache

from boto3.session import Session
from botocore.config import Config

from housing.alerts.alert import AlertSink, LoggedAlerts, SnsAlerts
from housing.registry.ledger import Ledger
from housing.registry.live_model import LiveModel
from housing.registry.mlflow import MlflowModelRegistry
from housing.s3.artifacts import S3ArtifactReader
from predict.admin.model_changes import ModelChanges
from predict.errors import StoreUnavailableError
from predict.model.refusals import AlertedRefusals
from predict.settings import PredictSettings
from predict.telemetry.account_metrics import AccountMetrics

_REGISTRY_SECONDS = 4.0  # a change asks about six times, within API Gateway's 29 s
_REGISTRY_TRIES = 3
_BOUNDED = Config(connect_timeout=1, read_timeout=4, retries={"total_max_attempts": 2})


def refusals(settings: PredictSettings) -> AlertedRefusals:
    """Build what tells of refused versions."""
    s3 = Session().client("s3", config=_BOUNDED)
    return AlertedRefusals(s3, settings.bucket, _alerts(settings))


def model_changes(settings: PredictSettings, followed: Callable[[], None]) -> ModelChanges:
    """Build what changes which model is live; nothing is called yet.

    Args:
        settings: Where registry, bucket and topic are.
        followed: Called after a change, so that this process follows it at once.

    Raises:
        StoreUnavailableError: No bucket is configured, so there is no ledger.
    """
    if settings.bucket is None:
        msg = "HOUSING_BUCKET is not set: there is no ledger, and nothing is changed without one"
        raise StoreUnavailableError(msg, retry_after_seconds=60)
    registry = MlflowModelRegistry(
        settings.registry_access(),
        settings.model_name,
        timeout_seconds=_REGISTRY_SECONDS,
        tries=_REGISTRY_TRIES,
        artifact_readers={"s3": S3ArtifactReader()},
    )
    s3 = Session().client("s3", config=_BOUNDED)
    live = LiveModel(registry, Ledger(s3, settings.bucket), s3, settings.bucket)
    return ModelChanges(live, settings.model_name, _alerts(settings), followed)


def account_metrics(settings: PredictSettings) -> AccountMetrics:
    """Build what reads the account's metrics; nothing is called yet."""
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
