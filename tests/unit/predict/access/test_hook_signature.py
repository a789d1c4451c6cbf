"""Webhooks of MLflow are accepted with its signature, lately made, and with no other."""

import base64
import hashlib
import hmac

import pytest

from predict.access.hook_signature import WINDOW_SECONDS, check_signature
from predict.errors import UnauthorizedError

SECRET = "shared with the server"
BODY = b'{"entity": "model_version_alias"}'
NOW = 1_796_000_000.0


def headers(
    *, secret: str = SECRET, body: bytes = BODY, at: float = NOW, delivery: str = "d-1"
) -> dict[str, str]:
    signed = f"{delivery}.{int(at)}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return {
        "x-mlflow-delivery-id": delivery,
        "x-mlflow-timestamp": str(int(at)),
        "x-mlflow-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


@pytest.mark.parametrize("age", [0.0, WINDOW_SECONDS, -WINDOW_SECONDS])
def test_a_signed_body_is_accepted_within_the_window(age: float) -> None:
    check_signature(headers(at=NOW - age), BODY, SECRET, now=NOW)


def test_one_of_several_signatures_is_enough_while_a_secret_is_replaced() -> None:
    old = headers(secret="the secret before")["x-mlflow-signature"]
    both = headers() | {"x-mlflow-signature": f"{old} {headers()['x-mlflow-signature']}"}

    check_signature(both, BODY, SECRET, now=NOW)


@pytest.mark.parametrize(
    "given",
    [
        {},
        headers() | {"x-mlflow-signature": ""},
        headers() | {"x-mlflow-signature": "v1,"},
        headers() | {"x-mlflow-signature": "v1,é"},
        headers() | {"x-mlflow-signature": headers()["x-mlflow-signature"].replace("v1", "v2")},
        headers() | {"x-mlflow-timestamp": "now"},
        headers() | {"x-mlflow-timestamp": "nan"},
        headers() | {"x-mlflow-timestamp": str(int(NOW) + 1)},
        headers() | {"x-mlflow-delivery-id": "d-2"},
        headers(secret="another"),
        headers(body=BODY + b" "),
        headers(at=NOW - WINDOW_SECONDS - 1),
        headers(at=NOW + WINDOW_SECONDS + 1),
    ],
)
def test_any_other_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(UnauthorizedError):
        check_signature(given, BODY, SECRET, now=NOW)
