"""The challenger is followed in the background, and sits still when it cannot be."""

import logging
import math
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from fakes.clock import FakeClock
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry, Register
from housing.errors import RegistryUnavailableError
from housing.registry.port import CHALLENGER, ModelVersion
from predict.model.loading import ModelFiles, ServedModel
from predict.model.predictor import Predictor
from predict.shadow.challenger import Challenger, ChallengerStore

TTL_SECONDS = 30
BOUND_SECONDS = 10


@pytest.fixture
def store(registry: FakeModelRegistry, clock: FakeClock, tmp_path: Path) -> ChallengerStore:
    ttl = timedelta(seconds=TTL_SECONDS)
    return ChallengerStore(registry, ModelFiles(tmp_path), ttl=ttl, clock=clock)


@pytest.fixture
def challenge(register: Register) -> Callable[..., ModelVersion]:
    """Register a version as the challenger."""

    def registered(model: bytes | None = None) -> ModelVersion:
        return register(model, alias=CHALLENGER)

    return registered


def version_of(store: ChallengerStore) -> str | None:
    store.load(BOUND_SECONDS)
    return found_by(store)


def found_by(store: ChallengerStore) -> str | None:
    current = store.current()
    return current.served.version.version if current else None


def test_the_first_request_gets_no_challenger_and_does_not_wait(
    store: ChallengerStore, registry: FakeModelRegistry, challenge: Callable[..., ModelVersion]
) -> None:
    challenge()
    goes_on = threading.Event()
    registry._sleep = lambda _: goes_on.wait(BOUND_SECONDS)  # type: ignore[assignment]
    registry.answers_after_seconds = 1

    first = store.current()
    goes_on.set()
    registry.answers_after_seconds = 0
    deadline = time.monotonic() + BOUND_SECONDS
    while found_by(store) is None and time.monotonic() < deadline:
        time.sleep(0.01)

    assert first is None
    assert found_by(store) == "1"


def test_the_alias_is_followed_once_in_a_ttl(
    store: ChallengerStore,
    registry: FakeModelRegistry,
    clock: FakeClock,
    challenge: Callable[..., ModelVersion],
) -> None:
    challenge()
    store.load(BOUND_SECONDS)
    challenge(linear_model(bias=2))
    for _ in range(5):
        assert found_by(store) == "1"
    assert registry.calls.count("version_by_alias") == 1

    clock.advance(TTL_SECONDS)
    deadline = time.monotonic() + BOUND_SECONDS
    while found_by(store) != "2" and time.monotonic() < deadline:
        time.sleep(0.01)

    assert found_by(store) == "2"


def test_without_a_challenger_it_sits_still_and_says_so_once(
    store: ChallengerStore, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        versions = [version_of(store) for _ in range(3)]

    assert versions == [None] * 3
    said = [(record.message, record.levelno) for record in caplog.records]
    assert said == [("no_challenger", logging.INFO)]


@pytest.mark.parametrize("model", [b"junk", linear_model(bias=math.nan), linear_model(columns=9)])
def test_a_version_that_fails_a_check_is_not_run_nor_is_the_one_before(
    store: ChallengerStore, challenge: Callable[..., ModelVersion], model: bytes
) -> None:
    challenge()
    assert version_of(store) == "1"
    challenge(model)

    assert version_of(store) is None


def test_a_challenger_that_vanishes_is_run_no_more(
    store: ChallengerStore, registry: FakeModelRegistry, challenge: Callable[..., ModelVersion]
) -> None:
    challenge()
    assert version_of(store) == "1"
    registry.drop_alias(CHALLENGER)

    assert version_of(store) is None


def test_while_the_registry_is_down_it_sits_still_and_then_goes_on_without_loading_again(
    store: ChallengerStore, registry: FakeModelRegistry, challenge: Callable[..., ModelVersion]
) -> None:
    challenge()
    store.load(BOUND_SECONDS)
    loaded = store.current()
    registry.fails_with = RegistryUnavailableError("down")
    assert version_of(store) is None

    registry.fails_with = None
    store.load(BOUND_SECONDS)

    assert loaded is not None
    assert store.current() is loaded


def test_an_unexpected_error_of_a_look_up_does_not_end_the_thread(
    store: ChallengerStore, registry: FakeModelRegistry, challenge: Callable[..., ModelVersion]
) -> None:
    challenge()
    assert version_of(store) == "1"
    registry.fails_with = ZeroDivisionError()  # type: ignore[assignment]
    assert version_of(store) is None

    registry.fails_with = None

    assert version_of(store) == "1"


@pytest.fixture
def challenger(served: ServedModel) -> Challenger:
    return Challenger(served)


def rows_of(predictor: Predictor) -> str:
    return type(predictor).__name__


def test_rows_that_will_not_be_priced_in_time_are_not_begun(challenger: Challenger) -> None:
    challenger.seconds_per_row = 0.001

    assert challenger.start(rows_of, rows=20, within_seconds=0.01) is None
    running = challenger.start(rows_of, rows=5, within_seconds=0.01)

    assert running is not None
    assert running.result(BOUND_SECONDS) == "Predictor"


def test_one_slow_batch_does_not_end_all_batches(challenger: Challenger) -> None:
    challenger.took(10.0, rows=1_000)
    tries = 0
    while challenger.start(rows_of, rows=1_000, within_seconds=0.1) is None:
        tries += 1
        assert tries < 1_000

    assert tries > 10


def test_a_single_slow_row_says_nothing_of_batches(challenger: Challenger) -> None:
    before = challenger.seconds_per_row

    challenger.took(1.0, rows=1)

    assert challenger.seconds_per_row == before
