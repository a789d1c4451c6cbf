"""The one place where the predict function is put together from its real parts."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics
from fastapi import FastAPI

from housing.last_promoted import S3LastPromotedModel
from housing.metric_names import NAMESPACE
from housing.mlflow_registry import MlflowModelRegistry
from housing.s3_artifacts import S3ArtifactReader
from predict.app import create_app
from predict.model_files import ModelFiles
from predict.model_store import RegistryModelStore
from predict.settings import PredictSettings
from predict.telemetry import SERVICE


@dataclass(frozen=True, slots=True)
class Service:
    """The function's parts that its entry needs."""

    app: FastAPI
    logger: Logger
    metrics: EphemeralMetrics


@cache
def service() -> Service:
    """Build the service from the environment, once for each process."""
    settings = PredictSettings()
    registry = MlflowModelRegistry(
        settings.tracking_uri,
        settings.model_name,
        headers=settings.registry_headers(),
        artifact_readers={"s3": S3ArtifactReader()},
    )
    models = RegistryModelStore(
        registry,
        ModelFiles(settings.model_dir),
        alias=settings.model_alias,
        ttl=timedelta(seconds=settings.model_ttl_seconds),
        last_promoted=(
            S3LastPromotedModel(settings.bucket, settings.model_name) if settings.bucket else None
        ),
        budget=timedelta(seconds=settings.registry_timeout_seconds),
    )
    metrics = EphemeralMetrics(namespace=NAMESPACE, service=SERVICE)
    # The logger is named after the package, so that every module's own logger writes through it.
    return Service(create_app(settings, models, metrics), Logger(service=SERVICE), metrics)
