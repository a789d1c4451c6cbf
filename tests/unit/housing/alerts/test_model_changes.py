"""Alerts on changes by hand: the way on, or back, is a command."""

from datetime import UTC, datetime

from housing.alerts.alert import AlertEvent
from housing.alerts.model_changes import (
    alert_on_data,
    alert_on_promotion,
    alert_on_resume,
    alert_on_rollback,
    alert_on_stop,
)
from housing.registry.automatic_promotion import AutomaticPromotion
from housing.registry.port import ModelVersion

STOPPED = AutomaticPromotion(
    stopped=True, since=datetime(2026, 11, 30, 16, 15, tzinfo=UTC), who="anna", why="odd"
)
ON = AutomaticPromotion()


def version(number: str, **tags: str) -> ModelVersion:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    metric_tags = {f"metric.{name}": value for name, value in tags.items()}
    return ModelVersion("housing", number, run_id="r", created_at=now, tags=metric_tags)


TARGET = version("8", rmse="0.451")


def test_a_rollback_has_both_versions_their_errors_and_the_time_of_the_stop() -> None:
    alert = alert_on_rollback(TARGET, version("9", rmse="0.472"), STOPPED, why="odd", who="me")

    assert (alert.event, alert.reason) == (AlertEvent.ROLLED_BACK, "odd")
    assert alert.subject == "housing: rolled back to version 8"
    assert alert.facts == {
        "from": "version 9, RMSE 0.472",
        "to": "version 8, RMSE 0.451",
        "who": "me",
        "automatic promotion": "stopped since 2026-11-30 16:15 UTC by anna",
    }
    assert "housing data exclude JOB" in alert.advice
    assert "no job promotes version 9 again" in alert.advice
    assert alert.next_step == 'housing resume --reason "…"'


def test_a_rollback_from_nothing_names_no_version_that_was_left() -> None:
    alert = alert_on_rollback(TARGET, None, STOPPED, why="odd", who="me")

    assert alert.facts["from"] == "none"
    assert "promotes version" not in alert.advice


def test_a_stop_without_a_rollback_names_the_version_in_production() -> None:
    alert = alert_on_stop(TARGET, STOPPED, why="odd", who="me")

    assert alert.event == AlertEvent.PROMOTION_STOPPED
    assert alert.facts["production"] == "version 8, RMSE 0.451"
    assert alert.next_step == 'housing resume --reason "…"'


def test_a_promotion_by_hand_is_undone_by_a_rollback() -> None:
    alert = alert_on_promotion(TARGET, version("7"), ON, why="odd", who="me")

    assert alert.event == AlertEvent.PROMOTED_BY_HAND
    assert alert.subject == "housing: promoted by hand to version 8"
    assert alert.facts["from"] == "version 7"
    assert "automatic promotion" not in alert.facts
    assert alert.next_step == 'housing rollback --reason "…"'


def test_where_nothing_was_live_there_is_no_way_back() -> None:
    alert = alert_on_promotion(TARGET, None, STOPPED, why="odd", who="me")

    assert alert.facts["from"] == "none"
    assert alert.facts["automatic promotion"].endswith("by anna")
    assert alert.next_step == "housing models --history"


def test_the_end_of_a_stop_names_its_author() -> None:
    alert = alert_on_resume("housing", STOPPED, why="right", who="ben")

    assert (alert.event, alert.facts["who"]) == (AlertEvent.PROMOTION_RESUMED, "ben")
    assert alert.facts["automatic promotion"] == "was stopped since 2026-11-30 16:15 UTC by anna"


def test_rows_that_are_taken_out_or_in_tell_the_way_back() -> None:
    out = alert_on_data("housing", "job-1", "bad.csv", is_excluded=True, why="odd", who="me")
    back = alert_on_data("housing", "job-1", "", is_excluded=False, why="right", who="me")

    assert (out.event, back.event) == (AlertEvent.DATA_EXCLUDED, AlertEvent.DATA_INCLUDED)
    assert out.next_step == 'housing data include job-1 --reason "…"'
    assert back.next_step == 'housing data exclude job-1 --reason "…"'
    assert (out.facts["file"], "file" in back.facts) == ("bad.csv", False)
