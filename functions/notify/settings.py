"""Settings of the notify function, read from the environment at cold start."""

from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict


class NotifySettings(BaseSettings):
    """Settings of the notify function, under ``HOUSING_``."""

    model_config = SettingsConfigDict(env_prefix="HOUSING_", frozen=True, env_ignore_empty=True)

    slack_secret: str = Field(description="secret that holds Slack's incoming webhook")
    slack_secret_ttl_seconds: int = Field(
        300, ge=1, description="time after which the webhook is read again"
    )
    slack_origin: Annotated[str, StringConstraints(pattern=r"^https?://[^/\s@]+$")] = Field(
        "https://hooks.slack.com", description="required scheme and host of webhooks"
    )
    slack_timeout_seconds: float = Field(
        5, gt=0, le=10, description="longest wait for a connection to Slack, and for each read"
    )
