"""What comes over the topic, from the sample events of the repository."""

import json
from pathlib import Path
from typing import Any

import pytest

from housing.alerts.alert import Alert, AlertEvent
from notify.errors import EventError
from notify.notices import Notice, notices_in

EVENTS = Path(__file__).parents[3] / "events"


def notice(name: str) -> Notice:
    [parsed] = notices_in(json.loads((EVENTS / f"{name}.json").read_text("utf-8")))
    return parsed


def received(message: str, **sns: Any) -> Notice:
    [parsed] = notices_in({"Records": [{"Sns": {"Message": message, **sns}}]})
    return parsed


def test_an_alert_comes_with_reason_facts_advice_and_command() -> None:
    parsed = notice("sns-alert.ok")

    assert parsed.title == "california-housing: an upload was rejected"
    assert parsed.reason == "missing column Latitude; the first line is '<a & b>'"
    assert parsed.facts["file"] == "new_data/more.csv"
    assert parsed.advice == "correct the file according to its report and upload it again"
    assert parsed.next_step == "housing upload more.csv --wait"


def test_every_alert_comes_through_as_it_was_made() -> None:
    alert = Alert(
        AlertEvent.MODEL_PROMOTED, "subject", "reason", "housing models", {"RMSE": "0.4"}, "advice"
    )
    attributes = {
        name: {"Type": "String", "Value": value} for name, value in alert.attributes().items()
    }

    parsed = received(alert.text(), Subject=alert.subject, MessageAttributes=attributes)

    assert parsed == Notice("subject", "reason", {"RMSE": "0.4"}, "advice", "housing models")


def test_a_function_that_failed_for_good_is_named_with_its_error_and_file() -> None:
    parsed = notice("sns-failed-function.ok")

    assert parsed.title == "housing-dev-retrain failed for good"
    assert parsed.reason == (
        "LaunchError: the training job could not be submitted: the queue is gone"
    )
    assert parsed.facts["file"] == "new_data/housing.csv"
    assert parsed.facts["tries"] == "3"
    assert parsed.next_step == "housing status"


def test_a_files_name_is_shown_as_it_is_and_not_as_s3_encodes_it() -> None:
    event = json.loads((EVENTS / "sns-failed-function.ok.json").read_text("utf-8"))
    message = event["Records"][0]["Sns"]["Message"]

    parsed = received(message.replace("new_data/housing.csv", "new_data/July+2026+%28final%29.csv"))

    assert parsed.facts["file"] == "new_data/July 2026 (final).csv"


@pytest.mark.parametrize(
    "changes", [{"responsePayload": None}, {"requestPayload": []}, {"requestContext": "none"}]
)
def test_a_destination_message_with_missing_parts_is_still_posted(changes: dict[str, Any]) -> None:
    event = json.loads((EVENTS / "sns-failed-function.ok.json").read_text("utf-8"))
    message = json.loads(event["Records"][0]["Sns"]["Message"])

    parsed = received(json.dumps(message | changes))

    assert parsed.title.endswith("failed for good")
    assert parsed.reason


def test_an_alarm_has_state_reason_and_description() -> None:
    parsed = notice("sns-alarm.ok")

    assert parsed.title == "ALARM: housing-dev-predict-errors"
    assert parsed.reason.startswith("Threshold Crossed")
    assert (parsed.facts["was"], parsed.facts["metric"]) == ("OK", "Errors")
    assert parsed.advice == "look at /health, then at the function's log"


@pytest.mark.parametrize("text", ["hello", "[1, 2]", "{", '{"a": 1}', "[" * 100_000, "null"])
def test_anything_else_is_shown_as_it_is(text: str) -> None:
    parsed = received(text, Subject="a subject")

    assert parsed == Notice("a subject", text)


def test_a_message_without_a_subject_has_a_title() -> None:
    assert notice("sns-plain-text.ok").title == "A message on the alert topic"


@pytest.mark.parametrize("path", sorted(EVENTS.glob("sns-*.bad.json")), ids=lambda path: path.stem)
def test_an_event_that_is_not_from_sns_is_an_error(path: Path) -> None:
    with pytest.raises(EventError, match="not an event of SNS"):
        notices_in(json.loads(path.read_text("utf-8")))
