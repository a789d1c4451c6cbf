"""The smoke test: a price is good, no model yet is no fault, and the rest is one."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import boto3
import httpx
import pytest
from moto import mock_aws

from fakes.api_gateway import FakeApiGateway
from fakes.registry import FakeModelRegistry
from housing.registry.port import PRODUCTION
from housing_deploy.errors import SmokeError
from housing_deploy.smoke import NO_MODEL_YET, api_url, smoke
from housing_ops.key_ring import KeyRing
from predict.errors import ModelUnavailableError
from predict.model.loading import ModelFiles
from predict.model.store import RegistryModelStore

HEALTHY = {"status": "ok", "model": {"version": "7"}, "reason": None}
STALE = {"status": "degraded", "model": {"version": "7"}, "reason": "the registry is silent"}
EMPTY = {"status": "no_model", "model": None, "reason": f"{NO_MODEL_YET}; put a CSV there"}
LOST = {"status": "no_model", "model": None, "reason": "the model registry cannot be reached"}
PRICE = {
    "price_usd": 200_000.0,
    "interval_90": {"lower_usd": 150_000.0, "upper_usd": 250_000.0},
    "model_version": "7",
}
Smoke = Callable[..., str]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOUSING_API_KEY", raising=False)
    monkeypatch.setattr("housing_deploy.smoke._KEY_SECONDS", 0)


@pytest.fixture
def ring() -> Iterator[KeyRing]:
    with mock_aws():
        secrets = boto3.client("secretsmanager", region_name="us-east-1")
        secrets.create_secret(Name="keys", SecretString='{"keys": []}')
        gateway = FakeApiGateway()
        yield KeyRing(secrets, gateway, "keys", "plan")  # type: ignore[arg-type]


@pytest.fixture
def asked() -> list[httpx.Request]:
    return []


@pytest.fixture
def tried(ring: KeyRing, asked: list[httpx.Request]) -> Smoke:
    """Return the smoke test of an API that answers so."""

    def run(health: object, status: int, answer: object = PRICE, *, had_model: bool = False) -> str:
        def handle(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            if request.url.path == "/dev/health":
                text = health if isinstance(health, str) else json.dumps(health)
                return httpx.Response(200, text=text)
            return httpx.Response(status, json=answer)

        transport = httpx.MockTransport(handle)
        with httpx.Client(base_url="https://api.test/dev", transport=transport) as api:
            return smoke(api, ring, had_model=had_model, seconds=0, say=lambda _: None)

    return run


def test_a_price_is_good(tried: Smoke, asked: list[httpx.Request]) -> None:
    assert tried(HEALTHY, 200) == "$200,000 by version 7"
    assert [request.url.path for request in asked] == ["/dev/health", "/dev/predict"]


def test_a_stale_model_is_good_and_said(tried: Smoke) -> None:
    assert tried(STALE, 200).endswith("degraded: the registry is silent")


def test_no_model_yet_is_no_fault_of_a_first_deployment(tried: Smoke) -> None:
    assert "no model yet: upload a CSV" in tried(EMPTY, 503)


@pytest.mark.parametrize(
    ("health", "status", "answer", "had_model", "expected"),
    [
        (EMPTY, 503, {}, True, "no model is served"),
        (LOST, 503, {}, False, "cannot be reached"),
        (EMPTY, 500, {}, False, "POST /predict: 500"),
        (HEALTHY, 503, {}, False, "POST /predict: 503"),
        (HEALTHY, 403, {}, False, "POST /predict: 403"),
        (HEALTHY, 200, {"price_usd": 1}, False, "no price within its interval"),
        (HEALTHY, 200, PRICE | {"price_usd": 9e9}, False, "no price within its interval"),
        ("<html>", 200, PRICE, False, "health gave no valid answer"),
        ('{"message": "Internal server error"}', 200, PRICE, False, "health gave no valid answer"),
    ],
)
def test_all_else_is_a_fault(  # noqa: PLR0913 - a row of the table
    tried: Smoke, health: object, status: int, answer: object, expected: str, *, had_model: bool
) -> None:
    with pytest.raises(SmokeError, match=expected):
        tried(health, status, answer, had_model=had_model)


@pytest.mark.parametrize("status", [200, 500])
def test_the_key_is_revoked_however_it_ends(
    tried: Smoke, ring: KeyRing, asked: list[httpx.Request], status: int
) -> None:
    try:
        tried(HEALTHY, status)
    except SmokeError:
        assert status == 500

    assert len(asked[-1].headers["x-api-key"]) > 30
    assert ring.document().keys == ()
    assert ring.gateway.get_api_keys()["items"] == []


def test_a_key_that_is_given_is_used_and_none_made(
    tried: Smoke, asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSING_API_KEY", "mine")

    tried(HEALTHY, 200)

    assert asked[-1].headers["x-api-key"] == "mine"


def test_no_model_yet_is_said_by_the_predict_function_in_these_words(tmp_path: Path) -> None:
    store = RegistryModelStore(
        FakeModelRegistry(), ModelFiles(tmp_path), alias=PRODUCTION, ttl=timedelta(0)
    )

    with pytest.raises(ModelUnavailableError, match=f"^{NO_MODEL_YET}"):
        store.current()


def test_the_api_is_where_the_stack_or_the_endpoint_has_it() -> None:
    outputs = {"ApiUrl": "https://aws/dev", "ApiId": "x1"}

    assert api_url(outputs, "dev", None) == "https://aws/dev"
    assert api_url(outputs, "dev", "http://here") == "http://here/restapis/x1/dev/_user_request_"
