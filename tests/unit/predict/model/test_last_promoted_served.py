"""A cold start with the registry down is answered by the last promoted model."""

import asyncio
import math
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from fakes.asgi_client import AsgiClient
from fakes.clock import FakeClock
from fakes.last_promoted import FakeLastPromotedModel
from fakes.model_changes import no_changes
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry, Register
from fakes.written_lines import WrittenLines
from housing.errors import RegistryAnswerError, RegistryError, RegistryUnavailableError
from housing.registry.port import MODEL_FILE, PRODUCTION
from predict.access.auth import OpenAccess
from predict.errors import ModelUnavailableError
from predict.http.app import create_app
from predict.model.loading import ModelFiles
from predict.model.store import RegistryModelStore
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry

COPY, OTHER = linear_model(bias=1), linear_model(bias=2)
DOWN = RegistryUnavailableError("http://internal is down")
TTL_SECONDS, RETRY_SECONDS = 30, 5
BUDGET_SECONDS = 0.4


@pytest.fixture
def copy() -> FakeLastPromotedModel:
    fake = FakeLastPromotedModel()
    fake.put(COPY)
    return fake


@pytest.fixture
def store(
    registry: FakeModelRegistry, copy: FakeLastPromotedModel, clock: FakeClock, tmp_path: Path
) -> RegistryModelStore:
    return RegistryModelStore(
        registry,
        ModelFiles(tmp_path),
        alias=PRODUCTION,
        ttl=timedelta(seconds=TTL_SECONDS),
        last_promoted=copy,
        clock=clock,
    )


@pytest.mark.parametrize("trouble", [DOWN, RegistryAnswerError("http://internal garbage")])
def test_the_copy_is_served_as_stale_with_the_reason(
    store: RegistryModelStore, registry: FakeModelRegistry, trouble: RegistryError
) -> None:
    registry.fails_with = trouble

    served = store.current()

    assert (served.version.version, served.stale) == ("1", True)
    assert served.reason
    assert "registry" in served.reason
    assert "internal" not in served.reason


def test_health_says_degraded_and_predictions_are_answered(
    store: RegistryModelStore,
    registry: FakeModelRegistry,
    settings: PredictSettings,
    loop: asyncio.AbstractEventLoop,
    block_group: dict[str, float],
) -> None:
    registry.fails_with = DOWN
    client = AsgiClient(
        create_app(settings, store, Telemetry(WrittenLines()), OpenAccess(), no_changes), loop
    )

    health, answer = client.get("/health"), client.post_json("/predict", block_group)

    assert (health.json()["status"], health.json()["stale"]) == ("degraded", True)
    assert (answer.status_code, answer.headers["X-Model-Stale"]) == (200, "true")


def test_the_alias_is_followed_soon_after_the_registry_is_back(
    store: RegistryModelStore, registry: FakeModelRegistry, register: Register, clock: FakeClock
) -> None:
    register(COPY)
    register(OTHER)
    registry.fails_with = DOWN
    assert store.current().version.version == "1"
    registry.fails_with = None

    clock.advance(RETRY_SECONDS)
    served = store.current()

    assert (served.version.version, served.stale, served.reason) == ("2", False, None)


def test_the_same_version_is_not_loaded_again_when_the_registry_is_back(
    store: RegistryModelStore, registry: FakeModelRegistry, register: Register, clock: FakeClock
) -> None:
    registered = register(COPY)
    registry.fails_with = DOWN
    copied = store.current()
    registry.fails_with = None
    clock.advance(RETRY_SECONDS)

    served = store.current()

    assert (served.stale, served.version.run_id) == (False, registered.run_id)
    assert served.predictor is copied.predictor


def test_once_the_registry_is_back_the_usual_period_holds(
    store: RegistryModelStore, registry: FakeModelRegistry, register: Register, clock: FakeClock
) -> None:
    register(COPY)
    registry.fails_with = DOWN
    store.current()
    registry.fails_with = None
    clock.advance(RETRY_SECONDS)
    store.current()

    clock.advance(RETRY_SECONDS)
    assert not store.is_due()
    clock.advance(TTL_SECONDS)
    assert store.is_due()


def test_the_copy_goes_on_while_the_registry_stays_down(
    store: RegistryModelStore, registry: FakeModelRegistry, clock: FakeClock
) -> None:
    registry.fails_with = DOWN
    for _ in range(3):
        served = store.current()
        clock.advance(RETRY_SECONDS)

        assert (served.version.version, served.stale) == ("1", True)


def test_a_registered_version_that_is_loaded_wins_over_the_copy(
    store: RegistryModelStore, registry: FakeModelRegistry, register: Register, clock: FakeClock
) -> None:
    register(COPY)
    register(OTHER)
    store.current()
    registry.fails_with = DOWN
    clock.advance(TTL_SECONDS)

    assert (store.current().version.version, store.current().stale) == ("2", True)


def test_the_copy_stands_in_for_a_version_whose_registered_file_is_spoilt(
    store: RegistryModelStore, registry: FakeModelRegistry, register: Register
) -> None:
    register(COPY)
    registry.replace_file("1", MODEL_FILE, COPY[:-1])

    served = store.current()

    assert (served.version.version, served.stale) == ("1", True)
    assert served.reason
    assert served.reason.startswith("version 1 is refused")


def test_a_registry_that_has_no_promoted_version_is_believed(store: RegistryModelStore) -> None:
    with pytest.raises(ModelUnavailableError, match="promoted"):
        store.current()


BROKEN_COPIES: dict[str, tuple[bytes, str | None]] = {
    "digest": (COPY, "0" * 64),
    "no digest": (COPY, "../../x"),
    "no graph": (b"junk", None),
    "columns": (linear_model(columns=9), None),
    "smoke prediction": (linear_model(bias=math.nan), None),
}


@pytest.mark.parametrize("case", BROKEN_COPIES)
def test_a_copy_that_fails_a_check_is_not_served(
    store: RegistryModelStore, registry: FakeModelRegistry, copy: FakeLastPromotedModel, case: str
) -> None:
    model, sha256 = BROKEN_COPIES[case]
    copy.put(model, sha256=sha256)
    registry.fails_with = DOWN

    with pytest.raises(ModelUnavailableError, match="registry cannot be reached"):
        store.current()


def test_with_registry_and_bucket_down_there_is_no_model_until_one_is_back(
    store: RegistryModelStore,
    registry: FakeModelRegistry,
    copy: FakeLastPromotedModel,
    clock: FakeClock,
) -> None:
    registry.fails_with = DOWN
    copy.is_down = True
    with pytest.raises(ModelUnavailableError) as caught:
        store.current()
    copy.is_down = False

    clock.advance(caught.value.retry_after_seconds)

    assert store.current().version.version == "1"


@pytest.fixture
def silence() -> Iterator[threading.Event]:
    ended = threading.Event()
    yield ended
    ended.set()


def test_a_silent_registry_leaves_the_copy_time_within_the_budget(
    copy: FakeLastPromotedModel, clock: FakeClock, tmp_path: Path, silence: threading.Event
) -> None:
    def wait(_seconds: float) -> None:
        silence.wait(30)

    silent = FakeModelRegistry(sleep=wait)
    silent.answers_after_seconds = 5
    store = RegistryModelStore(
        silent,
        ModelFiles(tmp_path),
        alias=PRODUCTION,
        ttl=timedelta(seconds=TTL_SECONDS),
        last_promoted=copy,
        budget=timedelta(seconds=BUDGET_SECONDS),
        clock=clock,
    )

    assert (store.current().version.version, store.current().stale) == ("1", True)
