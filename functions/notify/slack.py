"""Client of Slack's incoming webhook, whose URL a secret holds: it is never logged.

Answers: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/ and, for 429,
https://docs.slack.dev/apis/web-api/rate-limits/.
"""

import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Protocol
from urllib.error import HTTPError
from urllib.parse import urlsplit

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from typing_extensions import override

from notify.errors import (
    SecretUnavailableError,
    SlackBusyError,
    SlackRefusedError,
    SlackUnavailableError,
    WebhookInvalidError,
)

_FIELD = "webhook_url"
_WORD_BYTES = 200
_RETRY_AFTER_SECONDS = 1.0
_RESERVE_SECONDS = 1.0


class MessagePoster(Protocol):
    """Port: posts messages."""

    def post(self, message: Mapping[str, Any], seconds_left: Callable[[], float]) -> None:
        """Post one message.

        Raises:
            NotifyError: It was not accepted; see ``SlackWebhook.post``.
        """
        ...


class WebhookSecret:
    """Reads and caches the webhook's URL."""

    def __init__(
        self, provider: SecretsProvider, secret_id: str, *, origin: str, ttl_seconds: int
    ) -> None:
        """Set the secret; the first use reads it.

        Args:
            provider: Powertools' provider, with its cache.
            secret_id: ARN of the secret; it holds the bare URL or ``{"webhook_url": …}``.
            origin: Scheme and host that the URL must have.
            ttl_seconds: Time for which a URL holds.
        """
        self._provider = provider
        self._secret_id = secret_id
        self._origin = origin
        self._ttl_seconds = ttl_seconds

    def url(self, *, fresh: bool = False) -> str:
        """Return the URL, not from the cache if ``fresh``.

        Raises:
            SecretUnavailableError: The secret cannot be read.
            WebhookInvalidError: It has no URL, or one of another origin.
        """
        try:
            secret = self._provider.get(
                self._secret_id, max_age=self._ttl_seconds, force_fetch=fresh
            )
        except GetParameterError as exc:
            msg = f"the secret {self._secret_id} cannot be read: {exc}"
            raise SecretUnavailableError(msg) from exc
        url = _url_in(secret)
        if _origin_of(url) == self._origin:
            return url
        if not fresh:  # it may have been corrected since
            return self.url(fresh=True)
        msg = f"the secret {self._secret_id} holds no webhook at {self._origin}"
        raise WebhookInvalidError(msg)


class SlackWebhook(MessagePoster):
    """Posts messages to the webhook that a secret holds."""

    def __init__(
        self,
        secret: WebhookSecret,
        *,
        timeout_seconds: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Set the webhook.

        Args:
            secret: Returns the webhook's URL.
            timeout_seconds: Limit on the connection and on each read.
            sleep: Waits before a retry.
        """
        self._secret = secret
        self._timeout_seconds = timeout_seconds
        self._sleep = sleep

    @override
    def post(self, message: Mapping[str, Any], seconds_left: Callable[[], float]) -> None:
        """Post a message; wait and retry if Slack limits the rate and the time allows it.

        If Slack rejects the message, the secret is read again, once.

        Args:
            message: Body of the request.
            seconds_left: Returns the remaining time of the invocation.

        Raises:
            SlackUnavailableError: Slack is unavailable, or limits the rate for too long.
            UndeliverableError: Slack rejects the message, or there is no webhook.
            SecretUnavailableError: The webhook cannot be read.
        """
        body = json.dumps(message).encode()
        url = self._secret.url()
        try:
            self._post_patiently(url, body, seconds_left)
        except SlackRefusedError:
            newest = self._secret.url(fresh=True)
            if newest == url:
                raise
            self._post_patiently(newest, body, seconds_left)

    def _post_patiently(self, url: str, body: bytes, seconds_left: Callable[[], float]) -> None:
        while True:
            try:
                return _post(url, body, self._timeout_seconds)
            except SlackBusyError as exc:
                wait = exc.retry_after_seconds
                if wait + self._timeout_seconds + _RESERVE_SECONDS > seconds_left():
                    raise
                self._sleep(wait)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Treats a redirect as an error: messages go nowhere else."""

    def redirect_request(  # noqa: PLR0913, PLR0917 - the signature of urllib
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        """Return no request."""


def _post(url: str, body: bytes, timeout_seconds: float) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - the origin was checked
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=timeout_seconds):
            return
    except HTTPError as exc:
        raise _error_of(exc) from exc
    except (OSError, HTTPException) as exc:
        msg = f"Slack cannot be reached: {type(exc).__name__}"
        raise SlackUnavailableError(msg) from exc


def _error_of(answer: HTTPError) -> SlackUnavailableError | SlackRefusedError:
    with answer:
        what = f"Slack answered {answer.code} {_word(answer)}".strip()
    if answer.code == HTTPStatus.TOO_MANY_REQUESTS:
        return SlackBusyError(what, retry_after_seconds=_retry_after(answer))
    if answer.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SlackUnavailableError(what)
    return SlackRefusedError(what)


def _word(answer: HTTPError) -> str:
    """Return the error in Slack's response, such as ``no_service``."""
    try:
        text = answer.read(_WORD_BYTES).decode("utf-8", "replace")
    except (OSError, HTTPException):
        return ""
    return " ".join(text.split())


def _retry_after(answer: HTTPError) -> float:
    try:
        return max(_RETRY_AFTER_SECONDS, float(answer.headers.get("Retry-After", "")))
    except ValueError:
        return _RETRY_AFTER_SECONDS


def _origin_of(url: str) -> str:
    """Return scheme, host and port of a URL as written; empty if it is not a URL."""
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
