"""The composition root: the clients that the commands use, built from the settings."""

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from housing_cli.errors import MissingSettingError

if TYPE_CHECKING:
    import httpx
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

    from housing.jobs.status import JobStore
    from housing.registry.access import RegistryAccess
    from housing.registry.automatic_promotion import PromotionSwitch
    from housing.registry.ledger import Ledger
    from housing.registry.port import ModelRegistry
    from housing_cli.api import HousingApi
    from housing_cli.jobs.follow import Clock
    from housing_cli.settings import Settings
    from housing_ops.key_ring import KeyRing

_LOG_ATTEMPTS = 8  # CloudWatch Logs throttles readers at a few pages a second


class Services:
    """Clients of the stack's services, each made when a command uses it."""

    def __init__(
        self,
        *,
        api_transport: "httpx.BaseTransport | None" = None,
        registry: "ModelRegistry | None" = None,
        gateway: "APIGatewayClient | None" = None,
        clock: "Clock" = time,
    ) -> None:
        """Take the parts that a test gives; the settings make the others."""
        self.clock = clock
        self._api_transport = api_transport
        self._registry = registry
        self._gateway = gateway
        self._settings: Settings | None = None

    @property
    def settings(self) -> "Settings":
        """The settings, read once."""
        from housing_cli.settings import Settings

        self._settings = self._settings or Settings()
        return self._settings

    @cached_property
    def s3(self) -> "S3Client":
        """Client of the object store."""
        return s3_client(self.settings)

    @property
    def logs(self) -> "CloudWatchLogsClient":
        """Client of the functions' logs."""
        client: CloudWatchLogsClient = _client(self.settings, "logs", attempts=_LOG_ATTEMPTS)
        return client

    @property
    def key_ring(self) -> "KeyRing":
        """The API's keys."""
        from housing_ops.key_ring import KeyRing

        settings = self.settings
        return KeyRing(
            secrets=_client(settings, "secretsmanager"),
            gateway=self._gateway or _client(settings, "apigateway"),
            secret_id=settings.api_keys,
            usage_plan_id=settings.usage_plan_id,
        )

    @property
    def jobs(self) -> "JobStore":
        """The status documents of the training jobs."""
        from housing.jobs.status import JobStore

        return JobStore(self.s3, self.settings.bucket)

    @property
    def ledger(self) -> "Ledger":
        """The changes of the live version."""
        from housing.registry.ledger import Ledger

        return Ledger(self.s3, self.settings.bucket)

    @property
    def promotion(self) -> "PromotionSwitch":
        """The state of automatic promotion; only read here, the API changes it."""
        from housing.registry.automatic_promotion import PromotionSwitch

        return PromotionSwitch(self.s3, self.settings.bucket, self.ledger)

    @property
    def registry(self) -> "ModelRegistry":
        """The model registry."""
        from housing.registry.mlflow import MlflowModelRegistry

        settings = self.settings
        return self._registry or MlflowModelRegistry(
            registry_access(settings.tracking_uri), settings.housing_model_name
        )

    @property
    def api(self) -> "HousingApi":
        """Client of the API; the caller closes it."""
        return self._api(self.settings.api_key)

    @property
    def admin_api(self) -> "HousingApi":
        """Client of the API with an admin key; the caller closes it."""
        return self._api(self.settings.admin_key)

    def _api(self, key: str) -> "HousingApi":
        from housing_cli.api import HousingApi

        return HousingApi(self.settings.api_url, key, transport=self._api_transport)


def registry_access(tracking_uri: str) -> "RegistryAccess":
    """Return the access to the registry, with MLflow's usual credentials from the environment.

    Raises:
        MissingSettingError: The settings are incomplete, or contradict each other.
    """
    from pydantic import ValidationError

    from housing.registry.access import RegistrySettings

    try:
        return RegistrySettings(MLFLOW_TRACKING_URI=tracking_uri).registry_access()
    except ValidationError as exc:
        reasons = "; ".join(error["msg"] for error in exc.errors())
        msg = f"MLFLOW_TRACKING_URI {tracking_uri} is not valid: {reasons}"
        raise MissingSettingError(msg) from exc


def s3_client(settings: "Settings") -> "S3Client":
    """Make an S3 client whose waits are bounded.

    Presigned and ordinary requests are signed with version 4. With an endpoint of one's own the
    bucket is part of the path, because the host has no subdomains.
    """
    style: Literal["path", "auto"] = "path" if settings.aws_endpoint_url else "auto"
    client: S3Client = _client(
        settings, "s3", signature_version="s3v4", s3={"addressing_style": style}
    )
    return client


def _client(settings: "Settings", service: Any, *, attempts: int = 2, **options: Any) -> Any:
    import boto3
    from botocore.config import Config

    from housing_cli.settings import revealed

    return boto3.client(
        service,
        endpoint_url=settings.aws_endpoint_url,
        region_name=settings.aws_default_region,
        aws_access_key_id=settings.aws_access_key_id,
        aws_secret_access_key=revealed(settings.aws_secret_access_key),
        aws_session_token=revealed(settings.aws_session_token),
        config=Config(
            connect_timeout=5.0,
            read_timeout=30.0,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            **options,
        ),
    )
