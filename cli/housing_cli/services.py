"""The composition root: what the commands work with, built from the settings."""

import time
from typing import TYPE_CHECKING, Any, Literal

import boto3
import httpx
from botocore.config import Config
from pydantic import ValidationError

from housing.jobs.status import JobStore
from housing.registry.access import RegistryAccess, RegistrySettings
from housing.registry.automatic_promotion import PromotionSwitch
from housing.registry.ledger import Ledger
from housing.registry.mlflow import MlflowModelRegistry
from housing.registry.port import ModelRegistry
from housing_cli.api import HousingApi
from housing_cli.errors import MissingSettingError
from housing_cli.jobs.follow import Clock
from housing_cli.settings import Settings, revealed
from housing_ops.key_ring import KeyRing

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 30.0
_ATTEMPTS = 2
_LOG_ATTEMPTS = 8  # CloudWatch Logs throttles readers at a few pages a second


class Services:
    """Clients of the stack's services, made when a command first asks for them.

    Tests give a transport, a registry, a gateway or a clock of their own.
    """

    def __init__(
        self,
        *,
        api_transport: httpx.BaseTransport | None = None,
        registry: ModelRegistry | None = None,
        gateway: "APIGatewayClient | None" = None,
        clock: Clock = time,
    ) -> None:
        """Remember the parts that are given; the rest is made from the settings."""
        self.clock = clock
        self._api_transport = api_transport
        self._registry = registry
        self._gateway = gateway
        self._settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        """The settings, read once."""
        self._settings = self._settings or Settings()
        return self._settings

    @property
    def s3(self) -> "S3Client":
        """A client of the object store."""
        return s3_client(self.settings)

    @property
    def logs(self) -> "CloudWatchLogsClient":
        """A client of the functions' logs."""
        return logs_client(self.settings)

    @property
    def key_ring(self) -> KeyRing:
        """The API's keys."""
        settings = self.settings
        return KeyRing(
            secrets=boto3.client("secretsmanager", **_access(settings), config=_bounded(_ATTEMPTS)),
            gateway=self._gateway or gateway_client(settings),
            secret_id=settings.api_keys,
            usage_plan_id=settings.usage_plan_id,
        )

    @property
    def jobs(self) -> JobStore:
        """The training jobs' documents."""
        return JobStore(self.s3, self.settings.bucket)

    @property
    def ledger(self) -> Ledger:
        """The changes of what is live."""
        return Ledger(self.s3, self.settings.bucket)

    @property
    def promotion(self) -> PromotionSwitch:
        """Whether jobs may promote; only read here, the API changes it."""
        return PromotionSwitch(self.s3, self.settings.bucket, self.ledger)

    @property
    def registry(self) -> ModelRegistry:
        """The model registry."""
        settings = self.settings
        return self._registry or MlflowModelRegistry(
            registry_access(settings.tracking_uri), settings.housing_model_name
        )

    @property
    def api(self) -> HousingApi:
        """A client of the API; to be closed by who asked for it."""
        settings = self.settings
        return HousingApi(settings.api_url, settings.api_key, transport=self._api_transport)

    @property
    def admin_api(self) -> HousingApi:
        """The same with an administrator's key."""
        settings = self.settings
        return HousingApi(settings.api_url, settings.admin_key, transport=self._api_transport)


def registry_access(tracking_uri: str) -> RegistryAccess:
    """Return the access to the registry, with MLflow's usual credentials from the environment.

    Raises:
        MissingSettingError: The settings are not enough, or contradict each other.
    """
    try:
        return RegistrySettings(MLFLOW_TRACKING_URI=tracking_uri).registry_access()
    except ValidationError as exc:
        told = "; ".join(error["msg"] for error in exc.errors())
        msg = f"MLFLOW_TRACKING_URI {tracking_uri} cannot be used: {told}"
        raise MissingSettingError(msg) from exc


def s3_client(settings: Settings) -> "S3Client":
    """Make an S3 client whose waits are bounded.

    Presigned and ordinary requests are signed with version 4; at an endpoint of one's own the
    bucket stands in the path, because its host name has no subdomains.
    """
    style: Literal["path", "auto"] = "path" if settings.aws_endpoint_url else "auto"
    signed = Config(signature_version="s3v4", s3={"addressing_style": style})
    return boto3.client("s3", **_access(settings), config=_bounded(_ATTEMPTS).merge(signed))


def gateway_client(settings: Settings) -> "APIGatewayClient":
    """Make a client of API Gateway whose waits are bounded."""
    return boto3.client("apigateway", **_access(settings), config=_bounded(_ATTEMPTS))


def logs_client(settings: Settings) -> "CloudWatchLogsClient":
    """Make a client of CloudWatch Logs whose waits are bounded."""
    return boto3.client("logs", **_access(settings), config=_bounded(_LOG_ATTEMPTS))


def _access(settings: Settings) -> dict[str, Any]:
    return {
        "endpoint_url": settings.aws_endpoint_url,
        "region_name": settings.aws_default_region,
        "aws_access_key_id": settings.aws_access_key_id,
        "aws_secret_access_key": revealed(settings.aws_secret_access_key),
        "aws_session_token": revealed(settings.aws_session_token),
    }


def _bounded(attempts: int) -> Config:
    return Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"total_max_attempts": attempts, "mode": "standard"},
    )
