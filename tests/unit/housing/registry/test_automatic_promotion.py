"""The switch of automatic promotion: stopped by a rollback, ended by a person, in the ledger."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from housing.registry.automatic_promotion import AutomaticPromotion, PromotionSwitch
from housing.registry.ledger import Ledger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"


class DiedError(Exception):
    """Stands for the process's end."""


@pytest.fixture
def switch(s3: "S3Client", ledger: Ledger) -> PromotionSwitch:
    return PromotionSwitch(s3, BUCKET, ledger)


def kinds(ledger: Ledger) -> list[str]:
    return [entry.kind for entry in reversed(ledger.newest(99))]


def test_a_stack_that_was_never_stopped_promotes(switch: PromotionSwitch) -> None:
    state = switch.load()

    assert (state.stopped, state.rollbacks, state.notice) == (False, 0, None)


def test_a_stop_and_its_end_are_in_the_ledger_and_rollbacks_stay_counted(
    switch: PromotionSwitch, ledger: Ledger
) -> None:
    stopped = switch.stop(who="anna", why="odd")
    assert (stopped.stopped, stopped.who, stopped.why, stopped.rollbacks) == (
        True,
        "anna",
        "odd",
        1,
    )

    assert switch.resume(who="ben", why="right") == stopped

    assert switch.load() == AutomaticPromotion(rollbacks=1)
    assert kinds(ledger) == ["promotion_stopped", "promotion_resumed"]


def test_the_notice_says_since_when_by_whom_and_how_it_ends() -> None:
    since = datetime(2026, 11, 30, 16, 15, 20, tzinfo=UTC)
    state = AutomaticPromotion(stopped=True, since=since, who="anna", why="odd", rollbacks=1)

    assert state.notice == (
        "automatic promotion is stopped since 2026-11-30 16:15 UTC by anna: housing resume"
    )


@pytest.mark.parametrize("call", ["stop", "resume"])
@pytest.mark.parametrize("step", ["put_object", "mark_done"])
def test_an_interrupted_decision_is_completed_by_the_next_holder(  # noqa: PLR0913, PLR0917 - fixtures
    switch: PromotionSwitch,
    ledger: Ledger,
    s3: "S3Client",
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    step: str,
) -> None:
    if call == "resume":
        switch.stop(who="anna", why="odd")
    owner = ledger if step == "mark_done" else s3
    real = getattr(owner, step)

    def dying(*arguments: Any, **named: Any) -> Any:
        if step == "mark_done" or named["Key"].endswith("promotion.json"):
            raise DiedError
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, dying)
        with pytest.raises(DiedError):
            getattr(switch, call)(who="ben", why="now")

    for _ in range(2):  # twice does no harm
        ledger.finish_decisions({"promotion": switch.apply, "data": _unexpected})

    assert switch.load().stopped is (call == "stop")
    assert kinds(ledger)[-1] == ("promotion_stopped" if call == "stop" else "promotion_resumed")


def _unexpected(_: object) -> None:
    raise AssertionError
