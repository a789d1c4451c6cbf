"""Errors of the notify function.

HousingError
└── NotifyError
    ├── EventError
    ├── SecretUnavailableError
    ├── SlackUnavailableError
    │   └── SlackBusyError
    └── UndeliverableError
        ├── WebhookInvalidError
        └── SlackRefusedError
"""

from typing import ClassVar

from housing.errors import HousingError


class NotifyError(HousingError):
    """Base of the notify function's errors; Lambda retries."""


class EventError(NotifyError):
    """Raised when an event is not SNS's."""


class SecretUnavailableError(NotifyError):
    """Raised when the secret cannot be read."""


class SlackUnavailableError(NotifyError):
    """Raised when Slack cannot be reached, times out or returns a server error."""


class SlackBusyError(SlackUnavailableError):
    """Raised when Slack limits the rate of messages."""

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        """Set the message, and the wait before the next try."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UndeliverableError(NotifyError):
    """Raised when a retry cannot help; has a next step."""

    next_step: ClassVar[str] = "put a webhook that works into the secret"


class WebhookInvalidError(UndeliverableError):
    """Raised when the secret holds no valid webhook."""

    next_step: ClassVar[str] = (
        'put the URL of an incoming webhook into the secret, bare or as {"webhook_url": "…"}'
    )


class SlackRefusedError(UndeliverableError):
    """Raised when Slack rejects the message or does not know the webhook."""

    next_step: ClassVar[str] = (
        "check that the app and its channel exist (api.slack.com/apps, Incoming Webhooks); "
        "put a new webhook into the secret if this one was removed"
    )
