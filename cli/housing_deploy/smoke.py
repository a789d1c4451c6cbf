"""Whether the deployed API does what it is for: its health, and a price asked for with a key."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from housing.api_keys import Scope
from housing.schema import FEATURES
from housing_deploy.errors import SmokeError
from housing_deploy.stacks import Clients
from housing_ops.key_ring import KeyRing

_KEY_SECONDS = 240.0  # API Gateway takes its time to know a new key
_POLL_SECONDS = 2.0
_OK, _UNAVAILABLE = 200, 503
_NOT_KNOWN_YET = frozenset({401, 403, 429})
NO_MODEL_YET = "no model has been promoted yet"
"""How /health begins its reason where the registry answers and has no version to serve; any other
reason is trouble. A test holds it against the predict function."""
_ANSWER_SECONDS = 35.0  # over API Gateway's own 29


@dataclass(frozen=True, slots=True)
class Health:
    """What ``GET /health`` said."""

    status: str
    model_version: str | None
    reason: str

    @property
    def waits_for_data(self) -> bool:
        """Whether nothing is wrong but that there is no model yet."""
        return self.status == "no_model" and self.reason.startswith(NO_MODEL_YET)


def api_url(outputs: Mapping[str, str], stage: str, endpoint_url: str | None) -> str:
    """Return the API's URL; an endpoint that stands in for AWS has it under a path of its own."""
    if endpoint_url is None:
        return outputs["ApiUrl"]
    return f"{endpoint_url}/restapis/{outputs['ApiId']}/{stage}/_user_request_"


def api_client(url: str) -> httpx.Client:
    """Return a client of the API that waits for no answer longer than API Gateway does."""
    return httpx.Client(base_url=url, timeout=_ANSWER_SECONDS)


def health(api: httpx.Client) -> Health | None:
    """Ask once; None where no health comes back."""
    try:
        found = api.get("/health").json()
        version = (found["model"] or {}).get("version")
        return Health(found["status"], version, found["reason"] or "")
    except (httpx.HTTPError, json.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None


def smoke(
    api: httpx.Client, ring: KeyRing, *, had_model: bool, seconds: float, say: Callable[[str], None]
) -> str:
    """Ask for the health and for a price; return what was found, in a line.

    Args:
        api: The API, with its stage.
        ring: Makes the key, which is revoked afterwards; HOUSING_API_KEY is used where it is set.
        had_model: Whether a model answered before: then one has to now.
        seconds: Longest until the health comes back.
        say: Told how far it is.

    Raises:
        SmokeError: Something is not as it should be.
    """
    say("GET /health")
    found = _await_health(api, seconds)
    if found.status == "no_model" and (had_model or not found.waits_for_data):
        msg = f"GET /health: no model is served: {found.reason}"
        raise SmokeError(msg)
    say("POST /predict")
    with _key(ring) as key:
        answer = _await_answer(api, key)
    if found.waits_for_data and answer.status_code == _UNAVAILABLE:
        return "deployed, no model yet: upload a CSV (housing upload FILE --wait)"
    price = _price(answer)
    stale = f"; degraded: {found.reason}" if found.status == "degraded" else ""
    return f"${price['price_usd']:,.0f} by version {price['model_version']}{stale}"


def _await_health(api: httpx.Client, seconds: float) -> Health:
    deadline = time.monotonic() + seconds
    while (found := health(api)) is None:
        if time.monotonic() > deadline:
            msg = f"GET {api.base_url}health did not answer as it should within {seconds:.0f} s"
            raise SmokeError(msg)
        time.sleep(_POLL_SECONDS)
    return found


@contextmanager
def _key(ring: KeyRing) -> Iterator[str]:
    given = os.environ.get("HOUSING_API_KEY")
    if given:
        yield given
        return
    made = ring.create(Scope.PREDICT)
    try:
        yield made.key
    finally:
        ring.revoke(made.id)


def _await_answer(api: httpx.Client, key: str) -> httpx.Response:
    row = {column.name: column.example for column in FEATURES}
    deadline = time.monotonic() + _KEY_SECONDS
    while True:
        try:
            answer = api.post("/predict", json=row, headers={"x-api-key": key})
        except httpx.HTTPError as exc:
            msg = f"POST /predict: {type(exc).__name__}"
            raise SmokeError(msg) from exc
        if answer.status_code not in _NOT_KNOWN_YET or time.monotonic() > deadline:
            return answer
        time.sleep(_POLL_SECONDS)


def _price(answer: httpx.Response) -> Mapping[str, Any]:
    if answer.status_code != _OK:
        msg = f"POST /predict: {answer.status_code} {answer.text[:300]}"
        raise SmokeError(msg)
    found: dict[str, Any] = answer.json()
    try:
        interval = found["interval_90"]
        is_sound = interval["lower_usd"] <= found["price_usd"] <= interval["upper_usd"]
    except (KeyError, TypeError):
        is_sound = False
    if not is_sound:
        msg = f"POST /predict: no price within its interval: {answer.text[:300]}"
        raise SmokeError(msg)
    return found


def key_ring(clients: Clients, outputs: Mapping[str, str]) -> KeyRing:
    """Return the stack's keys."""
    return KeyRing(
        secrets=clients.secrets,
        gateway=clients.gateway,
        secret_id=outputs["ApiKeysSecretArn"],
        usage_plan_id=outputs["UsagePlanId"],
    )
