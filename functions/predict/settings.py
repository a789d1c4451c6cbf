"""Settings of the predict function, read from the environment at cold start."""

import tempfile
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from housing.registry.access import RegistrySettings
from housing.registry.port import PRODUCTION
from housing.schema import SUBJECT


class PredictSettings(RegistrySettings):
    """Settings of the function; MLflow's own variables keep MLflow's names."""

    model_config = SettingsConfigDict(
        env_prefix="HOUSING_", frozen=True, populate_by_name=True, env_ignore_empty=True
    )

    stage: str = Field("dev", description="deployment stage, shown by /health")
    model_name: str = Field(SUBJECT.name, description="registered model to serve")
    model_alias: str = Field(PRODUCTION, description="alias to follow")
    model_ttl_seconds: float = Field(
        30,
        ge=0,
        description="validity of a look-up of the alias; 0 looks it up for every request",
    )
    registry_timeout_seconds: float = Field(
        2, gt=0, description="longest wait of a request for a look-up of the alias"
    )
    bucket: str | None = Field(
        None, description="bucket with the last promoted model, served while the registry is down"
    )
    alert_topic_arn: str | None = Field(
        None, description="topic for alerts; without it they are logged"
    )
    logged_predictions_per_second: float = Field(
        50, ge=0, description="predictions logged with their features; more are sampled"
    )
    shadow_share: float = Field(
        0, ge=0, le=1, description="share of the requests that the challenger predicts, too"
    )
    shadow_budget_ms: float = Field(
        20, gt=0, le=1_000, description="longest wait of such a request for the challenger"
    )
    metrics_delay_seconds: float = Field(
        120, ge=0, description="delay of CloudWatch: /metrics does not count newer minutes"
    )
    metrics_timeout_seconds: float = Field(
        5, gt=0, le=20, description="longest wait of /metrics for CloudWatch"
    )
    max_batch_rows: int = Field(10_000, ge=1, description="limit on the rows of a request")
    auth: Literal["keys", "off"] = Field(
        "keys", description="`off` accepts every request; not in the stage `prod`"
    )
    api_keys: str | None = Field(
        None, description="secret with the keys' hashes, or `ssm:` and a parameter"
    )
    hook_secret: str | None = Field(
        None,
        description="secret of MLflow's webhooks, or `ssm:` and a parameter; without it webhooks "
        "are refused",
    )
    api_keys_ttl_seconds: float = Field(
        60, ge=0, description="time after which the keys are read again"
    )
    cors_origin: str | None = Field(
        None,
        pattern=r"^(\*|https?://[^/\s]+)$",
        description="origin of pages that may call the API, such as `https://example.org`, or `*`",
    )
    upload_minutes: float = Field(
        15, gt=0, le=60, description="time in which an upload from the page has to begin"
    )
    upload_max_bytes: int = Field(
        1 << 30, ge=1, le=5 << 30, description="largest file that is uploaded from the page"
    )
    aws_endpoint_url: str | None = Field(
        None,
        validation_alias="AWS_ENDPOINT_URL",
        description="endpoint that is called instead of AWS",
    )
    alarms: str = Field("", description="names of the stack's alarms for /alerts, comma-separated")
    model_dir: Path = Field(
        default_factory=lambda: Path(tempfile.gettempdir()) / "housing-model",  # /tmp in Lambda
        description="directory of the model file; the temporary directory by default",
    )

    @property
    def upload_origins(self) -> tuple[str, ...]:
        """Origins of the bucket, as the forms of ``POST /uploads`` name it; none without one.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
        """
        if self.bucket is None:
            return ()
        if self.aws_endpoint_url:
            parts = urlsplit(self.aws_endpoint_url)
            return (f"{parts.scheme}://{parts.netloc}",)
        region = self.aws_region or ""
        host = "s3" if region in {"", "us-east-1"} else f"s3.{region}"
        china = ".cn" if region.startswith("cn-") else ""
        return (f"https://{self.bucket}.{host}.amazonaws.com{china}",)

    @model_validator(mode="after")
    def _is_closed(self) -> Self:
        """Reject a service without keys, unless that is explicit and not in ``prod``."""
        if self.auth == "off":
            if self.stage == "prod":
                msg = "HOUSING_AUTH=off is refused in the stage prod; set HOUSING_API_KEYS"
                raise ValueError(msg)
            if self.api_keys:
                msg = "HOUSING_AUTH=off and HOUSING_API_KEYS contradict each other; set one of them"
                raise ValueError(msg)
        elif not self.api_keys:
            msg = "HOUSING_API_KEYS is not set: name the secret that holds the keys' hashes"
            raise ValueError(msg)
        return self
