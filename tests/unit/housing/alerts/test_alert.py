"""Telling people."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.parsers import ResponseParserError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from fakes.faulty_s3 import BUSY, CONFLICT, PRECONDITION, Fault, FaultyS3, unsent
from housing.alerts.alert import Alert, AlertEvent, LoggedAlerts, SnsAlerts

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

ALERT = Alert(
    event=AlertEvent.UPLOAD_REJECTED,
    subject="california-housing: an upload was rejected",
    reason="missing column Latitude",
    advice="correct the file and upload it again",
    next_step="housing upload more.csv --wait",
    facts={"job": "0123"},
)


def test_an_alert_is_published_with_reason_next_step_and_facts(sns: "SNSClient") -> None:
    topic = sns.create_topic(Name="alerts")["TopicArn"]

    SnsAlerts(sns, topic).send(ALERT)

    (sent,) = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics[topic].sent_notifications
    _, message, subject, attributes, _ = sent
    assert attributes is not None
    assert subject == ALERT.subject
    for part in (ALERT.reason, ALERT.advice, f"Next: {ALERT.next_step}", "job: 0123"):
        assert part in message
    assert attributes["event"]["Value"] == "upload_rejected"
    assert json.loads(attributes["facts"]["Value"]) == {"job": "0123"}
    for name in ("reason", "advice", "next_step"):
        assert attributes[name]["Value"] == getattr(ALERT, name)


def test_a_subject_is_cut_to_what_sns_takes(sns: "SNSClient") -> None:
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    long = replace(ALERT, subject="s" * 300)

    SnsAlerts(sns, topic).send(long)

    (sent,) = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics[topic].sent_notifications
    assert sent[2] == "s" * 100


def test_an_alert_is_made_valid_for_sns(sns: "SNSClient") -> None:
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    odd = replace(
        ALERT,
        subject="häuser:\n1 upload",
        reason="the first line is '\0\x1b[31m'" + "x" * 300_000,
        advice="",
        facts={"file": "\0" * 9 + "a.csv" + "y" * 300_000},
    )

    assert SnsAlerts(sns, topic).send(odd)

    (sent,) = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics[topic].sent_notifications
    _, message, subject, attributes, _ = sent
    assert attributes is not None
    assert subject == "h?user: 1 upload"
    assert "\0" not in message
    assert "\x1b" not in message
    assert "advice" not in attributes
    assert json.loads(attributes["facts"]["Value"])["file"].startswith("a.csv")
    assert len(message) + sum(len(one["Value"]) for one in attributes.values()) < 256 * 1024


def test_an_alert_that_cannot_be_sent_is_logged_and_not_raised(
    sns: "SNSClient", caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = SnsAlerts(sns, f"arn:aws:sns:us-east-1:{DEFAULT_ACCOUNT_ID}:nowhere")

    assert not nowhere.send(ALERT)

    assert "alert_not_sent" in caplog.text


def test_without_a_topic_alerts_go_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    LoggedAlerts().send(ALERT)

    assert ALERT.reason in caplog.text
    assert ALERT.next_step in caplog.text


def test_failures_and_rejections_are_folded_and_no_change_of_a_state_is() -> None:
    folded = {event for event in AlertEvent if event.is_folded}

    assert folded == {
        AlertEvent.UPLOAD_REJECTED,
        AlertEvent.TRAINING_FAILED,
        AlertEvent.LAUNCHES_REFUSED,
        AlertEvent.UPLOADS_RECOVERED,
    }


@pytest.mark.parametrize("fault", [unsent, CONFLICT, PRECONDITION, BUSY], ids=range(4))
def test_an_alert_is_sent_until_the_topic_has_taken_it(
    sns: "SNSClient", monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr("housing.alerts.alert._PAUSE_SECONDS", 0)
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    network: Any = FaultyS3(sns)
    network.fail("publish", fault, fault)

    assert SnsAlerts(network, topic).send(ALERT)
    assert len(sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics[topic].sent_notifications) == 1

    network.fail("publish", fault, fault, fault)
    assert not SnsAlerts(network, topic).send(ALERT)
    assert network.has_failed()


def test_an_answer_that_cannot_be_read_fails_no_caller(
    sns: "SNSClient", monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("housing.alerts.alert._PAUSE_SECONDS", 0)
    network: Any = FaultyS3(sns)

    def garbled(_call: Any) -> Any:
        raise ResponseParserError

    network.fail("publish", garbled, garbled, garbled)

    assert not SnsAlerts(network, "arn:aws:sns:us-east-1:1:alerts").send(ALERT)
    assert "alert_not_sent" in caplog.text
