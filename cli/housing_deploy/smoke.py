"""Whether the deployed API does what it is for: its health, and a price asked for with a key."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from housing.api_keys import Scope
from housing.schema import FEATURES
from housing_cli.key_ring import KeyRing
from housing_deploy.clients import Clients
from housing_deploy.errors import SmokeError
from housing_deploy.health import Health, health

_KEY_SECONDS = 240.0  # API Gateway takes its time to know a new key
_POLL_SECONDS = 2.0
_OK, _UNAVAILABLE = 200, 503
_NOT_KNOWN_YET = frozenset({401, 403, 429})


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
