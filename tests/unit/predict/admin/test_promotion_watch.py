"""Whether jobs may promote, for ``/health``: read once in a while, never waited for long."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from fakes.asgi_client import AsgiClient
from fakes.clock import FakeClock
from fakes.model_changes import no_changes
from fakes.model_store import FakeModelStore
from fakes.written_lines import WrittenLines
from housing.errors import ObjectError
from housing.registry.automatic_promotion import AutomaticPromotion
from predict import handler
from predict.access.auth import OpenAccess
from predict.admin import promotion_watch
from predict.admin.promotion_watch import PromotionWatch
from predict.http.app import create_app
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry

STOPPED = AutomaticPromotion(
    stopped=True, since=datetime(2026, 11, 30, 16, 15, tzinfo=UTC), who="anna", why="odd"
)


class Bucket:
    """Hands out a state, or is away."""

    def __init__(self) -> None:
        self.state = STOPPED
        self.is_away = False
        self.reads = 0

    def __call__(self) -> AutomaticPromotion:
        self.reads += 1
        if self.is_away:
            msg = "away"
            raise ObjectError(msg)
        return self.state


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def watch(bucket: Bucket, clock: FakeClock) -> PromotionWatch:
    return PromotionWatch(bucket, ttl=timedelta(seconds=30), clock=clock)


def test_the_state_is_read_again_after_its_time(
    watch: PromotionWatch, bucket: Bucket, clock: FakeClock
) -> None:
    assert [watch.current() for _ in range(3)] == [STOPPED] * 3
    assert bucket.reads == 1
    bucket.state = AutomaticPromotion()

    clock.advance(31)

    assert watch.current() == AutomaticPromotion()


@pytest.mark.parametrize("how", ["recheck", "clock"])
def test_the_state_is_read_at_once_after_a_change_here_and_after_a_clock_was_set_back(
    watch: PromotionWatch, bucket: Bucket, clock: FakeClock, how: str
) -> None:
    watch.current()
    bucket.state = AutomaticPromotion()

    if how == "recheck":
        watch.recheck()
    else:
        clock.advance(-60)

    assert watch.current() == AutomaticPromotion()


def test_a_state_of_before_a_snapshot_is_not_trusted_after_the_restore(
    watch: PromotionWatch,
    bucket: Bucket,
    models: FakeModelStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch.current()
    bucket.state = AutomaticPromotion()
    telemetry = Telemetry(WrittenLines())
    parts: Any = SimpleNamespace(models=models, shadow=None, promotion=watch, telemetry=telemetry)
    monkeypatch.setattr(handler, "service", lambda: parts)

    handler.after_restore()

    assert watch.current() == AutomaticPromotion()


def test_a_state_that_cannot_be_read_is_unknown_and_later_the_last_one_known(
    watch: PromotionWatch, bucket: Bucket, clock: FakeClock
) -> None:
    bucket.is_away = True
    assert watch.current() is None
    bucket.is_away = False
    clock.advance(31)
    assert watch.current() == STOPPED
    bucket.is_away = True
    clock.advance(31)

    assert watch.current() == STOPPED


def test_a_bucket_that_does_not_answer_is_not_waited_for(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion_watch, "_BUDGET_SECONDS", 0.01)
    answered = threading.Event()

    def load() -> AutomaticPromotion:
        answered.wait(30)
        return STOPPED

    watch = PromotionWatch(load, ttl=timedelta(seconds=30), clock=clock)
    try:
        assert watch.current() is None
    finally:
        answered.set()


def test_health_says_since_when_and_by_whom_and_keeps_the_reason_to_itself(
    settings: PredictSettings,
    models: FakeModelStore,
    watch: PromotionWatch,
    loop: asyncio.AbstractEventLoop,
) -> None:
    app = create_app(
        settings, models, Telemetry(WrittenLines()), OpenAccess(), no_changes, promotion=watch
    )

    answer = AsgiClient(app, loop).get("/health")

    assert answer.json()["automatic_promotion"] == {
        "stopped": True,
        "since": "2026-11-30T16:15:00Z",
        "who": "anna",
    }
