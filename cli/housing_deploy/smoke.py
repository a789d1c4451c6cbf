"""The smoke test of a deployed API: its health, and a price with a key."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from housing.answer_text import AnswerText, text_of
from housing.api_keys import Scope
from housing.schema import FEATURES
from housing_deploy.errors import SmokeError
from housing_deploy.stacks import Clients
from housing_ops.key_ring import KeyRing

NO_MODEL_YET = "no model has been promoted yet"
"""The start of the reason in /health if the registry answers and has no version to serve; any other
reason is a fault. A test compares it with the predict function."""
_ANSWER_SECONDS = 35.0  # over API Gateway's own 29
_KEY_SECONDS = 240.0  # API Gateway accepts a new key after a while
_POLL_SECONDS = 2.0
_KEY_IS_NEW = frozenset({401, 403, 429})


@dataclass(frozen=True, slots=True)
class Health:
    """The answer of ``GET /health``."""

    status: str
    model_version: str | None
    reason: str

    @property
    def waits_for_data(self) -> bool:
        """Whether the only fault is that no model exists yet."""
        return self.status == "no_model" and self.reason.startswith(NO_MODEL_YET)


def api_url(outputs: Mapping[str, str], stage: str, endpoint_url: str | None) -> str:
    """Return the API's URL; an endpoint in place of AWS has its own path for it."""
    if endpoint_url is None:
        return outputs["ApiUrl"]
    return f"{endpoint_url}/restapis/{outputs['ApiId']}/{stage}/_user_request_"


def api_client(url: str) -> httpx.Client:
    """Return a client of the API with a timeout above API Gateway's."""
    return httpx.Client(base_url=url, timeout=_ANSWER_SECONDS)


def key_ring(clients: Clients, outputs: Mapping[str, str]) -> KeyRing:
    """Return the keys of a stack."""
    return KeyRing(
        secrets=clients.secrets,
        gateway=clients.gateway,
        secret_id=outputs["ApiKeysSecretArn"],
        usage_plan_id=outputs["UsagePlanId"],
    )


def read_health(api: httpx.Client) -> Health | None:
    """Read the health once; None without a valid answer."""
    try:
        answer = api.get("/health").json()
        version = (answer["model"] or {}).get("version")
        return Health(answer["status"], version, answer["reason"] or "")
    except (httpx.HTTPError, json.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None


def smoke(
    api: httpx.Client, ring: KeyRing, *, had_model: bool, seconds: float, say: Callable[[str], None]
) -> str:
    """Test the health and a price; return the result as a line.

    Args:
        api: The API, with its stage.
        ring: Creates a key, which is revoked at the end; HOUSING_API_KEY takes its place.
        had_model: Whether a model answered before: then one has to now.
        seconds: Limit until the health answers.
        say: Receives each step.

    Raises:
        SmokeError: The test failed.
    """
    say("GET /health")
    health = _await_health(api, seconds)
    if health.status == "no_model" and (had_model or not health.waits_for_data):
        msg = f"GET /health: no model is served: {health.reason}"
        raise SmokeError(msg)
    say("POST /predict")
    with _key(ring) as key:
        answer = _await_answer(api, key)
    if health.waits_for_data and answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return "deployed, no model yet: upload a CSV (housing upload FILE --wait)"
    price, text = _price(answer)
    stale = f"; degraded: {health.reason}" if health.status == "degraded" else ""
    return f"{text.value} by version {price['model_version']}{stale}"


def _await_health(api: httpx.Client, seconds: float) -> Health:
    deadline = time.monotonic() + seconds
    while (health := read_health(api)) is None:
        if time.monotonic() > deadline:
            msg = f"GET {api.base_url}health gave no valid answer within {seconds:.0f} s"
            raise SmokeError(msg)
        time.sleep(_POLL_SECONDS)
    return health


@contextmanager
def _key(ring: KeyRing) -> Iterator[str]:
    if given := os.environ.get("HOUSING_API_KEY"):
        yield given
        return
    created = ring.create(Scope.PREDICT)
    try:
        yield created.key
    finally:
        ring.revoke(created.id)


def _await_answer(api: httpx.Client, key: str) -> httpx.Response:
    row = {column.name: column.shown_example for column in FEATURES}
    deadline = time.monotonic() + _KEY_SECONDS
    while True:
        try:
            answer = api.post("/predict", json=row, headers={"x-api-key": key})
        except httpx.HTTPError as exc:
            msg = f"POST /predict: {type(exc).__name__}"
            raise SmokeError(msg) from exc
        if answer.status_code not in _KEY_IS_NEW or time.monotonic() > deadline:
            return answer
        time.sleep(_POLL_SECONDS)


def _price(answer: httpx.Response) -> tuple[Mapping[str, Any], AnswerText]:
    if answer.status_code != httpx.codes.OK:
        msg = f"POST /predict: {answer.status_code} {answer.text[:300]}"
        raise SmokeError(msg)
    price: dict[str, Any] = answer.json()
    try:
        text = text_of(price)
    except (KeyError, TypeError, ValueError):
        text = None
    if text is None or not text.is_sound:
        msg = f"POST /predict: no price within its interval: {answer.text[:300]}"
        raise SmokeError(msg)
    return price, text
