"""What people are told when what is live was changed by hand: the way back is a command."""

from datetime import UTC, datetime

from housing.alerts.alert import Alert, AlertEvent
from housing.alerts.model_changes import alert_on_change
from housing.registry.port import ModelVersion


def version(number: str, **tags: str) -> ModelVersion:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    found = {f"metric.{name}": value for name, value in tags.items()}
    return ModelVersion("housing", number, run_id="r", created_at=now, tags=found)


def changed(left: ModelVersion | None, *, is_rollback: bool) -> Alert:
    target = version("8", rmse="0.451")
    return alert_on_change(target, left, why="odd", who="me", is_rollback=is_rollback)


def test_a_rollback_tells_both_versions_with_their_errors() -> None:
    alert = changed(version("9", rmse="0.472"), is_rollback=True)

    assert (alert.event, alert.reason) == (AlertEvent.ROLLED_BACK, "odd")
    assert alert.subject == "housing: rolled back to version 8"
    assert alert.facts == {
        "from": "version 9, RMSE 0.472",
        "to": "version 8, RMSE 0.451",
        "who": "me",
    }
    assert alert.next_step == 'housing promote 9 --reason "…"'


def test_a_promotion_by_hand_is_undone_by_a_rollback() -> None:
    alert = changed(version("7"), is_rollback=False)

    assert alert.event == AlertEvent.PROMOTED_BY_HAND
    assert alert.subject == "housing: promoted by hand to version 8"
    assert alert.facts["from"] == "version 7"
    assert alert.next_step == 'housing rollback --reason "…"'


def test_where_nothing_was_live_there_is_no_way_back() -> None:
    alert = changed(None, is_rollback=False)

    assert alert.facts["from"] == "none"
    assert alert.next_step == "housing models --history"
