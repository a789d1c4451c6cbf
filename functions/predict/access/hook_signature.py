"""Signature of MLflow's webhooks, which carry no API key.

The form is that of Standard Webhooks: ``X-MLflow-Signature: v1,`` and the base64 of the HMAC-SHA256
over id, timestamp and raw body, joined by dots. See
https://mlflow.org/docs/latest/ml/webhooks/ and
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from predict.errors import UnauthorizedError

WINDOW_SECONDS = 300.0
"""A delivery that is older or newer is refused: a recorded one can be sent again for so long."""
_ID = "x-mlflow-delivery-id"
_TIMESTAMP = "x-mlflow-timestamp"
_SIGNATURE = "x-mlflow-signature"
_VERSION = "v1"


def check_signature(headers: Mapping[str, str], body: bytes, secret: str, *, now: float) -> None:
    """Make sure that a body comes from who knows the secret, and lately.

    Args:
        headers: Of the request, found by lower-case names.
        body: As it was sent.
        secret: Shared with the MLflow server.
        now: Seconds since 1970.

    Raises:
        UnauthorizedError: A header is missing, the time is outside the window, or the signature is
            of another body, time, id or secret.
    """
    delivery, sent_at = headers.get(_ID, ""), headers.get(_TIMESTAMP, "")
    try:
        age = now - int(sent_at)
    except ValueError as exc:
        msg = "a signed request is needed, with the headers that MLflow's webhooks have"
        raise UnauthorizedError(msg) from exc
    if abs(age) > WINDOW_SECONDS:
        msg = f"the request was signed {age:.0f} s ago; only {WINDOW_SECONDS:.0f} s are accepted"
        raise UnauthorizedError(msg)
    signed = f"{delivery}.{sent_at}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    expected = f"{_VERSION},{base64.b64encode(digest).decode()}".encode()
    given = headers.get(_SIGNATURE, "").split()
    # Compared as bytes: text has to be ASCII.
    if not any(hmac.compare_digest(expected, one.encode()) for one in given):
        msg = "the request's signature is not valid"
        raise UnauthorizedError(msg)
