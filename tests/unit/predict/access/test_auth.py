"""Who is let in: by which key, to what, and while the keys' store is away."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter

from fakes.asgi_client import AsgiClient
from fakes.model_changes import no_changes
from fakes.model_store import FakeModelStore
from fakes.written_lines import WrittenLines
from housing.api_keys import ApiKeyDocument, Scope, digest, new_key
from housing.schema import FEATURES
from predict.access.auth import KeyAuthenticator, required_scope
from predict.errors import ApiKeysUnavailableError, ForbiddenError, UnauthorizedError
from predict.http.app import create_app
from predict.http.openapi import DOCUMENT_URL
from predict.http.routes.hooks import HOOK_PATH, hook_routes
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry

TTL_SECONDS = 60.0


class KeyStore:
    """A document that tests change, and a store that may be away."""

    def __init__(self) -> None:
        self.document = ApiKeyDocument()
        self.is_away = False
        self.fetches = 0

    def add(self, scope: Scope = Scope.PREDICT) -> str:
        key, entry = new_key(scope)
        self.document = self.document.with_key(entry)
        return key

    def drop(self, key: str) -> None:
        kept = [entry for entry in self.document.keys if entry.sha256 != digest(key)]
        self.document = ApiKeyDocument(keys=tuple(kept))

    def __call__(self) -> ApiKeyDocument:
        self.fetches += 1
        if self.is_away:
            msg = "away"
            raise ApiKeysUnavailableError(msg, retry_after_seconds=5)
        return self.document


class Seconds:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> KeyStore:
    return KeyStore()


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def door(store: KeyStore, seconds: Seconds) -> KeyAuthenticator:
    return KeyAuthenticator(store, ttl_seconds=TTL_SECONDS, clock=seconds)


def test_a_key_opens_what_its_scope_allows(store: KeyStore, door: KeyAuthenticator) -> None:
    key, admin = store.add(), store.add(Scope.ADMIN)

    assert door.require(key, Scope.PREDICT).startswith("predict-")
    assert door.require(admin, Scope.PREDICT).startswith("admin-")
    assert door.require(admin, Scope.ADMIN).startswith("admin-")
    with pytest.raises(ForbiddenError, match="scope admin"):
        door.require(key, Scope.ADMIN)


@pytest.mark.parametrize("wrong", [None, "", "x", "ключ", "\ud800"])
def test_no_key_and_a_wrong_key_open_nothing(
    store: KeyStore, door: KeyAuthenticator, wrong: str | None
) -> None:
    store.add()

    with pytest.raises(UnauthorizedError):
        door.require(wrong, Scope.PREDICT)


def test_the_hash_of_a_key_is_refused_as_a_key(store: KeyStore, door: KeyAuthenticator) -> None:
    key = store.add()

    with pytest.raises(UnauthorizedError):
        door.require(digest(key), Scope.PREDICT)


def test_a_key_is_rotated_without_a_gap(
    store: KeyStore, door: KeyAuthenticator, seconds: Seconds
) -> None:
    old = store.add()
    assert door.require(old, Scope.PREDICT)
    seconds.now += 10

    new = store.add()
    assert [door.require(key, Scope.PREDICT) for key in (new, old)]
    store.drop(old)
    seconds.now += TTL_SECONDS

    assert door.require(new, Scope.PREDICT)
    with pytest.raises(UnauthorizedError):
        door.require(old, Scope.PREDICT)


def test_a_recently_accepted_key_is_refused_once_it_is_revoked(
    store: KeyStore, door: KeyAuthenticator, seconds: Seconds
) -> None:
    key = store.add()
    assert door.require(key, Scope.PREDICT) == door.require(key, Scope.PREDICT)
    store.drop(key)
    seconds.now += TTL_SECONDS

    with pytest.raises(UnauthorizedError):
        door.require(key, Scope.PREDICT)


def test_known_keys_stay_valid_while_their_store_is_down(
    store: KeyStore, door: KeyAuthenticator, seconds: Seconds
) -> None:
    key = store.add()
    door.require(key, Scope.PREDICT)
    store.is_away = True
    seconds.now += 10 * TTL_SECONDS

    assert door.require(key, Scope.PREDICT)
    with pytest.raises(UnauthorizedError):
        door.require("wrong", Scope.PREDICT)


def test_no_request_is_accepted_before_the_keys_are_known(
    store: KeyStore, door: KeyAuthenticator, seconds: Seconds
) -> None:
    key = store.add()
    store.is_away = True

    with pytest.raises(ApiKeysUnavailableError):
        door.require(key, Scope.PREDICT)

    store.is_away = False
    seconds.now += 6
    assert door.require(key, Scope.PREDICT)


def test_wrong_keys_and_an_outage_cause_few_reads(
    store: KeyStore, door: KeyAuthenticator, seconds: Seconds
) -> None:
    key = store.add()
    for _ in range(20):
        with pytest.raises(UnauthorizedError):
            door.require("wrong", Scope.PREDICT)
    assert store.fetches == 1

    store.is_away = True
    seconds.now += TTL_SECONDS
    for _ in range(20):
        door.require(key, Scope.PREDICT)
    assert store.fetches == 2


OPEN = {("GET", "/health"), ("GET", "/ping")}


@pytest.fixture
def make_client(
    settings: PredictSettings, models: FakeModelStore, door: KeyAuthenticator, loop: Any
) -> Callable[[WrittenLines], AsgiClient]:
    return lambda lines: AsgiClient(
        create_app(settings, models, Telemetry(lines), door, no_changes), loop
    )


def routes(settings: PredictSettings, models: FakeModelStore, door: KeyAuthenticator) -> Any:
    app = create_app(settings, models, Telemetry(WrittenLines()), door, no_changes)
    return {("GET", DOCUMENT_URL)} | {
        (method.upper(), path)
        for path, operations in app.openapi()["paths"].items()
        for method in operations
    }


def test_a_webhook_is_not_there_without_a_secret_and_is_refused_without_a_signature(
    settings: PredictSettings, models: FakeModelStore, door: KeyAuthenticator, loop: Any
) -> None:
    def client(hooks: APIRouter | None) -> AsgiClient:
        app = create_app(settings, models, Telemetry(WrittenLines()), door, no_changes, hooks=hooks)
        return AsgiClient(app, loop)

    def unasked() -> Any:
        raise AssertionError

    off = client(None).post(HOOK_PATH, "{}")
    on = client(hook_routes(unasked, lambda: "secret", "m")).post(HOOK_PATH, "{}")

    assert (off.status_code, on.status_code) == (404, 401)
    assert on.headers["Content-Type"] == off.headers["Content-Type"] == "application/problem+json"


def test_every_route_but_two_requires_a_key(
    settings: PredictSettings,
    models: FakeModelStore,
    door: KeyAuthenticator,
    store: KeyStore,
    make_client: Callable[[WrittenLines], AsgiClient],
) -> None:
    store.add()
    client = make_client(WrittenLines())

    all_routes = routes(settings, models, door)
    answers = {(method, path): client.request(method, path) for method, path in all_routes}

    assert set(answers) > OPEN | {("POST", "/models/rollback"), ("POST", "/predict")}
    statuses = {place: answer.status_code for place, answer in answers.items()}
    assert {place for place, status in statuses.items() if status != 401} == OPEN
    refused = answers["POST", "/predict"]
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["WWW-Authenticate"].startswith("ApiKey")


@pytest.mark.parametrize("prefix", ["", "/dev"])
def test_a_prefix_before_the_paths_opens_nothing_and_closes_nothing(
    settings: PredictSettings, models: FakeModelStore, store: KeyStore, loop: Any, prefix: str
) -> None:
    key = store.add()
    door = KeyAuthenticator(store, ttl_seconds=TTL_SECONDS)
    app = create_app(settings, models, Telemetry(WrittenLines()), door, no_changes)
    app.root_path = prefix
    client, headers = AsgiClient(app, loop), {"x-api-key": key}
    row = {column.name: column.example for column in FEATURES}

    def status(method: str, path: str, **content: Any) -> int:
        return client.request(method, prefix + path, headers=headers, **content).status_code

    assert status("POST", "/models/rollback", json={"reason": "x"}) == 403
    assert status("POST", "/predict", json=row) == 200
    assert client.request("GET", f"{prefix}/health").status_code == 200


def test_changes_require_the_admin_scope() -> None:
    places = [
        ("POST", "/models/rollback"),
        ("POST", "/models/promote"),
        ("POST", "/models/resume"),
        ("DELETE", "/models/1"),
        ("GET", "/data"),
        ("POST", "/data/exclude"),
    ]

    assert {required_scope(*place) for place in places} == {Scope.ADMIN}
    assert required_scope("GET", "/models") == Scope.PREDICT
    assert required_scope("GET", "/nowhere") == Scope.PREDICT
    assert required_scope("HEAD", "/health") == Scope.PREDICT


def test_a_refused_key_is_counted_with_its_reason(
    store: KeyStore,
    make_client: Callable[[WrittenLines], AsgiClient],
    block_group: dict[str, float],
) -> None:
    store.add()
    lines = WrittenLines()

    answer = make_client(lines).post_json("/predict", block_group)

    assert answer.status_code == 401
    assert [line["reason"] for line in lines.all] == ["unauthorized"]


def test_no_line_and_no_answer_holds_a_key(
    store: KeyStore,
    make_client: Callable[[WrittenLines], AsgiClient],
    block_group: dict[str, float],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(0)
    good, wrong = store.add(), "a-wrong-key-of-somebody"
    lines = WrittenLines()
    client = make_client(lines)

    answers = [
        client.request(method, path, json=block_group, headers={"x-api-key": key})
        for key in (good, wrong)
        for method, path in (("POST", "/predict"), ("GET", "/model"), ("POST", "/models/rollback"))
    ]

    output = f"{lines.all} {caplog.text} {[(a.text, dict(a.headers)) for a in answers]}"
    assert {answer.status_code for answer in answers} == {200, 401, 403}
    assert len(lines.all) >= 2
    assert good not in output
    assert wrong not in output
    assert digest(good) not in output


def test_without_the_keys_the_answer_says_when_to_ask_again(
    store: KeyStore,
    make_client: Callable[[WrittenLines], AsgiClient],
    block_group: dict[str, float],
) -> None:
    store.is_away = True
    client = make_client(WrittenLines())

    answers = [
        client.request("POST", "/predict", json=block_group, headers={"x-api-key": "k"}),
        client.request("GET", "/model", headers={"x-api-key": "k"}),
    ]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert {answer.headers["Retry-After"] for answer in answers} == {"5"}
