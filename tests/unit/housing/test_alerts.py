"""Telling people."""

import json
from typing import TYPE_CHECKING

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from housing.alerts import Alert, LoggedAlerts, SnsAlerts

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

ALERT = Alert(
    event="upload_rejected",
    subject="california-housing: an upload was rejected",
    reason="missing column Latitude",
    next_step="correct the file and upload it again",
    facts={"job": "0123"},
)


def test_an_alert_is_published_with_reason_next_step_and_facts(sns: "SNSClient") -> None:
    topic = sns.create_topic(Name="alerts")["TopicArn"]

    SnsAlerts(sns, topic).send(ALERT)

    (sent,) = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics[topic].sent_notifications
    _, message, subject, attributes, _ = sent
    assert attributes is not None
    assert subject == ALERT.subject
    for part in (ALERT.reason, ALERT.next_step, "job: 0123"):
        assert part in message
    assert attributes["event"]["Value"] == "upload_rejected"
    assert json.loads(attributes["facts"]["Value"]) == {"job": "0123"}


def test_a_subject_is_cut_to_what_sns_takes(sns: "SNSClient") -> None:
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    long = Alert("e", "s" * 300, "reason", "next")

    SnsAlerts(sns, topic).send(long)

    (sent,) = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics[topic].sent_notifications
    assert sent[2] == "s" * 100


def test_an_alert_that_cannot_be_sent_is_logged_and_not_raised(
    sns: "SNSClient", caplog: pytest.LogCaptureFixture
) -> None:
    SnsAlerts(sns, f"arn:aws:sns:us-east-1:{DEFAULT_ACCOUNT_ID}:nowhere").send(ALERT)

    assert "alert_not_sent" in caplog.text


def test_without_a_topic_alerts_go_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    LoggedAlerts().send(ALERT)

    assert ALERT.reason in caplog.text
    assert ALERT.next_step in caplog.text
