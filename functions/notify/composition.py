"""Composition root: builds the notify function from its real parts."""

from dataclasses import dataclass
from functools import cache

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from botocore.config import Config

from housing.function_log import function_logger
from notify.settings import NotifySettings
from notify.slack import MessagePoster, SlackWebhook, WebhookSecret

_SERVICE = "notify"
_BOUNDED = Config(
    connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2, "mode": "standard"}
)


@dataclass(frozen=True, slots=True)
class Service:
    """The function's parts that its entry needs."""

    slack: MessagePoster
    logger: Logger


@cache
def service() -> Service:
    """Build the service from the environment, once for each process."""
    settings = NotifySettings()
    secret = WebhookSecret(
        SecretsProvider(boto_config=_BOUNDED),
        settings.slack_secret,
        origin=settings.slack_origin,
        ttl_seconds=settings.slack_secret_ttl_seconds,
    )
    return Service(
        slack=SlackWebhook(secret, timeout_seconds=settings.slack_timeout_seconds),
        logger=function_logger(_SERVICE),
    )
