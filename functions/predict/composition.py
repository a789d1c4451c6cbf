"""Composition root: builds the predict function from its real parts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING

from housing.registry.last_promoted import S3LastPromotedModel
from housing.registry.mlflow import MlflowModelRegistry
from housing.registry.port import ModelRegistry, ModelVersion
from housing.s3.artifacts import S3ArtifactReader
from housing.s3.client import bounded_s3, close_bounded_s3
from predict.access.auth import Authenticator, KeyAuthenticator, OpenAccess
from predict.access.key_store import StoredKeys
from predict.admin.promotion_watch import PromotionWatch
from predict.model.loading import ModelFiles
from predict.model.store import ModelStore, RegistryModelStore
from predict.scoring.service import ScoringService
from predict.settings import PredictSettings
from predict.shadow.challenger import ChallengerStore
from predict.shadow.shadow import Shadow
from predict.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from housing.registry.automatic_promotion import AutomaticPromotion


@dataclass(frozen=True, slots=True)
class Service:
    """The function's parts."""

    settings: PredictSettings
    models: ModelStore
    telemetry: Telemetry
    authenticator: Authenticator
    scoring: ScoringService
    close_connections: Callable[[], None]
    shadow: Shadow | None = None
    promotion: PromotionWatch | None = None


@cache
def service() -> Service:
    """Build the service from the environment, once for each process."""
    settings = PredictSettings()
    registry = MlflowModelRegistry(
        settings.registry_access(),
        settings.model_name,
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
        alert_refusal=partial(_alert_refusal, settings),
    )
    telemetry = Telemetry(logged_per_second=settings.logged_predictions_per_second)
    authenticator = _authenticator(settings)
    shadow = _shadow(settings, registry, telemetry)
    scoring = ScoringService(
        models,
        telemetry,
        authenticator,
        max_rows=settings.max_batch_rows,
        shadow=shadow.compare if shadow else None,
    )

    def close_connections() -> None:
        registry.close_connections()
        close_bounded_s3()

    return Service(
        settings,
        models,
        telemetry,
        authenticator,
        scoring,
        close_connections,
        shadow,
        _promotion_watch(settings),
    )


def _promotion_watch(settings: PredictSettings) -> PromotionWatch | None:
    bucket = settings.bucket
    if bucket is None:
        return None

    def load() -> "AutomaticPromotion":
        from housing.registry.automatic_promotion import (  # noqa: PLC0415 - not needed to predict
            PromotionSwitch,
        )
        from housing.registry.ledger import Ledger  # noqa: PLC0415 - the same

        s3 = bounded_s3()
        return PromotionSwitch(s3, bucket, Ledger(s3, bucket)).load()

    return PromotionWatch(load, ttl=timedelta(seconds=settings.model_ttl_seconds))


def _shadow(
    settings: PredictSettings, registry: ModelRegistry, telemetry: Telemetry
) -> Shadow | None:
    if not settings.shadow_share:
        return None
    folder = settings.model_dir.with_name(f"{settings.model_dir.name}-challenger")
    ttl = timedelta(seconds=settings.model_ttl_seconds)
    return Shadow(
        ChallengerStore(registry, ModelFiles(folder), ttl=ttl),
        telemetry,
        share=settings.shadow_share,
        budget_seconds=settings.shadow_budget_ms / 1_000,
    )


def _alert_refusal(
    settings: PredictSettings, version: ModelVersion, why: str, serving: str | None
) -> bool:
    from predict.aws_composition import refusals  # noqa: PLC0415 - imports boto3

    return refusals(settings)(version, why, serving)


def _authenticator(settings: PredictSettings) -> Authenticator:
    if settings.api_keys is None:  # allowed by the settings only if keys are off
        return OpenAccess()
    return KeyAuthenticator(
        StoredKeys(settings.api_keys), ttl_seconds=settings.api_keys_ttl_seconds
    )
