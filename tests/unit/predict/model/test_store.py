"""The model store follows the alias, and keeps what it has when it cannot."""

import hashlib
import logging
import math
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fakes.clock import FakeClock
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry, Register
from housing.errors import RegistryAnswerError, RegistryUnavailableError
from housing.registry.port import MODEL_FILE, PRODUCTION, READY, ModelVersion, Tag
from predict.errors import ModelUnavailableError
from predict.model.loading import ModelFiles
from predict.model.store import RegistryModelStore

TTL_SECONDS = 30
OLD = linear_model(bias=1)
NEW = linear_model(bias=2)


@pytest.fixture
def store(registry: FakeModelRegistry, clock: FakeClock, tmp_path: Path) -> RegistryModelStore:
    return RegistryModelStore(
        registry,
        ModelFiles(tmp_path),
        alias=PRODUCTION,
        ttl=timedelta(seconds=TTL_SECONDS),
        clock=clock,
    )


def test_the_version_that_carries_the_alias_is_served(
    store: RegistryModelStore, register: Register, clock: FakeClock
) -> None:
    register(OLD)

    served = store.current()

    assert (served.version.version, served.stale, served.reason) == ("1", False, None)
    assert served.loaded_at == clock()


def test_a_new_version_is_served_once_the_ttl_is_over(
    store: RegistryModelStore, register: Register, clock: FakeClock
) -> None:
    register(OLD)
    store.current()
    register(NEW)

    clock.advance(TTL_SECONDS - 1)
    assert store.current().version.version == "1"
    clock.advance(1)
    assert store.current().version.version == "2"


def test_moving_the_alias_back_brings_the_old_version_back(
    store: RegistryModelStore, register: Register, clock: FakeClock, registry: FakeModelRegistry
) -> None:
    register(OLD)
    register(NEW)
    store.current()

    registry.set_alias(PRODUCTION, "1")
    clock.advance(TTL_SECONDS)

    assert store.current().version.version == "1"


def test_the_alias_is_asked_for_once_in_a_ttl(
    store: RegistryModelStore, register: Register, clock: FakeClock, registry: FakeModelRegistry
) -> None:
    register(OLD)
    for _ in range(20):
        store.current()
        clock.advance(TTL_SECONDS / 10)

    assert registry.calls.count("version_by_alias") == 2


def test_a_registry_that_is_down_is_also_asked_only_once_in_a_ttl(
    store: RegistryModelStore, register: Register, clock: FakeClock, registry: FakeModelRegistry
) -> None:
    register(OLD)
    store.current()
    registry.fails_with = RegistryUnavailableError("down")
    clock.advance(TTL_SECONDS)
    registry.calls.clear()

    for _ in range(5):
        store.current()

    assert registry.calls == ["version_by_alias"]


def test_a_clock_that_is_set_back_does_not_stop_the_following(
    store: RegistryModelStore, register: Register, clock: FakeClock
) -> None:
    register(OLD)
    store.current()
    register(NEW)

    clock.advance(-3600)

    assert store.current().version.version == "2"


def test_new_tags_of_the_served_version_are_shown_without_loading_it_again(
    store: RegistryModelStore, register: Register, clock: FakeClock, registry: FakeModelRegistry
) -> None:
    register(OLD)
    loaded = store.current()
    registry.set_tag("1", Tag.VERDICT, "promoted")
    clock.advance(TTL_SECONDS)

    served = store.current()

    assert served.version.tags[Tag.VERDICT] == "promoted"
    assert served.predictor is loaded.predictor


@pytest.mark.parametrize(
    "trouble",
    [RegistryUnavailableError("http://internal is down"), RegistryAnswerError("internal garbage")],
)
def test_the_loaded_version_goes_on_when_the_registry_is_in_trouble(
    store: RegistryModelStore,
    register: Register,
    clock: FakeClock,
    registry: FakeModelRegistry,
    trouble: RegistryUnavailableError | RegistryAnswerError,
) -> None:
    register(OLD)
    store.current()
    registry.fails_with = trouble
    clock.advance(TTL_SECONDS)

    served = store.current()

    assert (served.version.version, served.stale) == ("1", True)
    assert served.reason
    assert "internal" not in served.reason


def test_staleness_ends_when_the_registry_is_back(
    store: RegistryModelStore, register: Register, clock: FakeClock, registry: FakeModelRegistry
) -> None:
    register(OLD)
    store.current()
    registry.fails_with = RegistryUnavailableError("down")
    clock.advance(TTL_SECONDS)
    assert store.current().stale

    registry.fails_with = None
    clock.advance(TTL_SECONDS)

    assert (store.current().stale, store.current().reason) == (False, None)


def test_a_loaded_version_goes_on_when_its_alias_is_taken_away(
    store: RegistryModelStore, register: Register, clock: FakeClock, registry: FakeModelRegistry
) -> None:
    register(OLD)
    store.current()
    registry.drop_alias(PRODUCTION)
    clock.advance(TTL_SECONDS)

    served = store.current()

    assert served.stale
    assert served.reason == "no version has the alias production"


BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "digest": ("SHA-256", {"model": NEW, "sha256": "0" * 64}),
    "no digest": ("no tag sha256", {"model": NEW, "sha256": ""}),
    "path for a digest": ("no tag sha256", {"model": NEW, "sha256": "../../x"}),
    "no graph": ("not a graph", {"model": b"junk"}),
    "columns": ("input", {"model": linear_model(columns=9)}),
    "outputs": ("outputs", {"model": linear_model(outputs=("price", "low", "high"))}),
    "nan": ("smoke prediction", {"model": linear_model(bias=math.nan)}),
    "interval": ("smoke prediction", {"model": linear_model(half_width=-1)}),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_version_that_fails_a_check_is_refused_and_the_old_one_stays(
    store: RegistryModelStore, register: Register, clock: FakeClock, case: str
) -> None:
    expected, broken = BROKEN[case]
    register(OLD)
    store.current()
    register(**broken)
    clock.advance(TTL_SECONDS)

    served = store.current()

    assert (served.version.version, served.stale) == ("1", True)
    assert served.reason
    assert served.reason.startswith("version 2 is refused")
    assert expected in served.reason


@pytest.mark.parametrize("status", ["PENDING_REGISTRATION", "FAILED_REGISTRATION"])
def test_a_version_that_was_not_registered_whole_is_not_served_until_it_is(
    store: RegistryModelStore,
    register: Register,
    registry: FakeModelRegistry,
    clock: FakeClock,
    status: str,
) -> None:
    register(OLD)
    store.current()
    registry.set_status(register(NEW).version, status)
    clock.advance(TTL_SECONDS)
    before = store.current()
    registry.set_status("2", READY)
    clock.advance(TTL_SECONDS)

    assert before.version.version == "1"
    assert status in str(before.reason)
    assert store.current().version.version == "2"


@pytest.mark.parametrize("failures", [0, 1, 2])
@pytest.mark.parametrize("raises", [False, True])
def test_each_refused_version_is_alerted_on_until_the_alert_is_sent(  # noqa: PLR0913 - fixtures
    registry: FakeModelRegistry,
    register: Register,
    clock: FakeClock,
    tmp_path: Path,
    *,
    failures: int,
    raises: bool,
) -> None:
    alerts = []

    def alert(version: ModelVersion, why: str, serving: str | None) -> bool:
        alerts.append((version.version, why.partition(":")[0], serving))
        tries = [number for number, *_ in alerts].count(version.version)
        if raises and tries <= failures:
            raise OSError
        return tries > failures

    ttl = timedelta(seconds=TTL_SECONDS)
    store = RegistryModelStore(
        registry, ModelFiles(tmp_path), alias=PRODUCTION, ttl=ttl, clock=clock, alert_refusal=alert
    )
    register(OLD)
    store.current()
    for _ in range(2):
        register(b"junk")
        for _ in range(4):
            clock.advance(TTL_SECONDS)
            assert store.current().version.version == "1"

    assert alerts == [
        (number, f"version {number} is refused", "1")
        for number in ("2", "3")
        for _ in range(1 + failures)
    ]


def test_a_refusal_whose_alert_is_being_sent_is_waited_for_and_not_sent_again(
    registry: FakeModelRegistry,
    register: Register,
    clock: FakeClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alerts, go_on = [], threading.Event()

    def alert(version: ModelVersion, _why: str, _serving: str | None) -> bool:
        alerts.append(version.version)
        return go_on.wait(10)

    store = RegistryModelStore(
        registry,
        ModelFiles(tmp_path),
        alias=PRODUCTION,
        ttl=timedelta(seconds=TTL_SECONDS),
        clock=clock,
        alert_refusal=alert,
    )
    register(OLD)
    store.current()
    register(b"junk")
    with monkeypatch.context() as hurry:
        hurry.setattr(store, "_budget_seconds", 0.05)
        for _ in range(3):
            clock.advance(TTL_SECONDS)
            store.current()
    go_on.set()
    for _ in range(3):
        clock.advance(TTL_SECONDS)
        store.current()

    assert alerts == ["2"]


def test_a_version_without_its_file_is_not_served(
    store: RegistryModelStore, register: Register, clock: FakeClock, registry: FakeModelRegistry
) -> None:
    register(OLD)
    store.current()
    bare = registry.register({}, tags={Tag.SHA256: hashlib.sha256(NEW).hexdigest()})
    registry.set_alias(PRODUCTION, bare.version)
    clock.advance(TTL_SECONDS)

    served = store.current()

    assert (served.version.version, served.stale) == ("1", True)
    assert served.reason == "the model file of version 2 cannot be read"


def test_a_refused_version_is_tried_again_and_served_once_it_is_repaired(
    store: RegistryModelStore, register: Register, clock: FakeClock, registry: FakeModelRegistry
) -> None:
    register(OLD)
    store.current()
    register(NEW)
    registry.replace_file("2", MODEL_FILE, NEW[:-1])
    clock.advance(TTL_SECONDS)
    assert store.current().stale

    registry.replace_file("2", MODEL_FILE, NEW)
    clock.advance(TTL_SECONDS)

    assert (store.current().version.version, store.current().stale) == ("2", False)


def test_one_outage_and_one_refused_version_are_each_logged_once(
    store: RegistryModelStore,
    register: Register,
    clock: FakeClock,
    registry: FakeModelRegistry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    register(OLD)
    store.current()
    registry.fails_with = RegistryUnavailableError("down")
    for _ in range(3):
        clock.advance(TTL_SECONDS)
        store.current()
    registry.fails_with = None
    register(b"junk")
    for _ in range(3):
        clock.advance(TTL_SECONDS)
        store.current()

    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ["alias_not_followed", "model_refused"]


def test_before_any_promotion_it_is_said_what_to_do(store: RegistryModelStore) -> None:
    with pytest.raises(ModelUnavailableError, match="new_data/"):
        store.current()


def test_without_a_model_an_outage_is_an_error_with_a_time_to_retry(
    store: RegistryModelStore, registry: FakeModelRegistry
) -> None:
    registry.fails_with = RegistryUnavailableError("http://internal is down")

    with pytest.raises(ModelUnavailableError, match="cannot be reached") as caught:
        store.current()

    assert "internal" not in str(caught.value)
    assert 1 <= caught.value.retry_after_seconds <= TTL_SECONDS


def test_without_a_model_the_first_one_is_served_after_the_time_to_retry(
    store: RegistryModelStore, register: Register, clock: FakeClock
) -> None:
    with pytest.raises(ModelUnavailableError) as caught:
        store.current()
    register(OLD)

    clock.advance(caught.value.retry_after_seconds)

    assert store.current().version.version == "1"


def test_a_new_process_in_the_same_sandbox_does_not_download_again(
    store: RegistryModelStore,
    register: Register,
    registry: FakeModelRegistry,
    clock: FakeClock,
    tmp_path: Path,
) -> None:
    register(OLD)
    store.current()
    registry.calls.clear()

    restarted = RegistryModelStore(
        registry, ModelFiles(tmp_path), alias=PRODUCTION, ttl=timedelta(0), clock=clock
    )

    assert restarted.current().version.version == "1"
    assert "download" not in registry.calls


def test_a_ttl_of_zero_asks_at_every_request(
    registry: FakeModelRegistry, register: Register, clock: FakeClock, tmp_path: Path
) -> None:
    files = ModelFiles(tmp_path)
    store = RegistryModelStore(registry, files, alias=PRODUCTION, ttl=timedelta(0), clock=clock)
    register(OLD)
    assert store.current().version.version == "1"

    register(NEW)

    assert store.current().version.version == "2"


def test_others_are_served_the_loaded_version_while_one_waits_for_the_registry(
    clock: FakeClock, tmp_path: Path
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def wait(_seconds: float) -> None:
        asked.set()
        answer.wait(timeout=10)

    slow = FakeModelRegistry(sleep=wait)
    digest = hashlib.sha256(OLD).hexdigest()
    slow.set_alias(PRODUCTION, slow.register({MODEL_FILE: OLD}, tags={Tag.SHA256: digest}).version)
    store = RegistryModelStore(
        slow, ModelFiles(tmp_path), alias=PRODUCTION, ttl=timedelta(seconds=1), clock=clock
    )
    store.current()
    slow.answers_after_seconds = 5
    clock.advance(1)
    waiting = threading.Thread(target=store.current)
    waiting.start()
    asked.wait(timeout=10)

    served = store.current()

    assert served.version.version == "1"
    assert waiting.is_alive()
    answer.set()
    waiting.join(timeout=10)


def test_a_second_outage_is_logged_again(
    store: RegistryModelStore,
    register: Register,
    clock: FakeClock,
    registry: FakeModelRegistry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    register(OLD)
    for trouble in (None, RegistryUnavailableError("down"), None, RegistryUnavailableError("down")):
        registry.fails_with = trouble
        store.current()
        clock.advance(TTL_SECONDS)

    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ["alias_not_followed"] * 2
