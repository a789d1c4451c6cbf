"""The webhook's URL, from Secrets Manager: whoever knows it can post, so it is never logged."""

import json
from typing import Any
from urllib.parse import urlsplit

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from notify.errors import SecretUnavailableError, WebhookInvalidError

_FIELD = "webhook_url"


class WebhookSecret:
    """Reads the secret and keeps it for a while."""

    def __init__(
        self, provider: SecretsProvider, secret_id: str, *, origin: str, ttl_seconds: int
    ) -> None:
        """Remember the place; nothing is asked yet.

        Args:
            provider: Powertools' provider, which keeps what it read.
            secret_id: ARN of the secret; it holds the bare URL or ``{"webhook_url": …}``.
            origin: Scheme and host that the URL must have.
            ttl_seconds: How long a URL holds.
        """
        self._provider = provider
        self._secret_id = secret_id
        self._origin = origin
        self._ttl_seconds = ttl_seconds

    def url(self, *, fresh: bool = False) -> str:
        """Return the URL, read anew if it has to be fresh.

        Raises:
            SecretUnavailableError: Secrets Manager does not give the secret.
            WebhookInvalidError: It holds no URL, or one of another origin.
        """
        try:
            found = self._provider.get(
                self._secret_id, max_age=self._ttl_seconds, force_fetch=fresh
            )
        except GetParameterError as exc:
            msg = f"the secret {self._secret_id} cannot be read: {exc}"
            raise SecretUnavailableError(msg) from exc
        url = _url_in(found)
        if _origin_of(url) == self._origin:
            return url
        if not fresh:  # it may have been put right since it was read
            return self.url(fresh=True)
        msg = f"the secret {self._secret_id} holds no webhook at {self._origin}"
        raise WebhookInvalidError(msg)


def _origin_of(url: str) -> str:
    """Return scheme, host and port of a URL as they are written; nothing if it is none."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"


def _url_in(secret: Any) -> str:
    text = (secret.decode("utf-8", "replace") if isinstance(secret, bytes) else str(secret)).strip()
    if not text.startswith("{"):
        return text
    try:
        return str(json.loads(text).get(_FIELD, "")).strip()
    except ValueError:
        return ""
