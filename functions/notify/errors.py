"""What can go wrong in the notify function.

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
    """Raised when the notify function fails in a way of its own; Lambda tries again."""


class EventError(NotifyError):
    """Raised when an event is not what SNS sends."""


class SecretUnavailableError(NotifyError):
    """Raised when Secrets Manager does not give the secret."""


class SlackUnavailableError(NotifyError):
    """Raised when Slack cannot be reached, is too slow or answers with a server error."""


class SlackBusyError(SlackUnavailableError):
    """Raised when Slack wants fewer messages."""

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        """Say when Slack takes the next one."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UndeliverableError(NotifyError):
    """Raised when trying again would not help; says what to do."""

    next_step: ClassVar[str] = "put a webhook that works into the secret"


class WebhookInvalidError(UndeliverableError):
    """Raised when the secret holds no webhook that may be posted to."""

    next_step: ClassVar[str] = (
        'put the URL of an incoming webhook into the secret, bare or as {"webhook_url": "…"}'
    )


class SlackRefusedError(UndeliverableError):
    """Raised when Slack refuses the message or does not know the webhook."""

    next_step: ClassVar[str] = (
        "see that the app and its channel are still there (api.slack.com/apps, Incoming Webhooks); "
        "put a new webhook into the secret if this one is gone"
    )
