"""An alert reaches the topic once, whatever the network does to one call."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from fakes.network_faults import ONCE
from faults.conftest import Prove
from faults.proving import Meeting
from faults.surroundings import Surroundings
from housing.alerts import folded
from housing.alerts.alert import Alert, AlertEvent, SnsAlerts
from housing.alerts.folded import FoldedAlerts
from housing.registry.port import ModelVersion, Tag
from housing.s3.layout import ALERTS
from predict import aws_composition
from predict.model.refusals import AlertedRefusals

FAILURE = Alert(
    event=AlertEvent.TRAINING_FAILED,
    subject="housing: a training job failed",
    reason="the MLflow server is down",
    next_step="housing status",
    facts={"job": "0123456789abcdef"},
)
REFUSED = ModelVersion(
    "housing", "8", "run", datetime(2026, 11, 30, tzinfo=UTC), {Tag.SHA256: "a" * 64}
)


class FoldedAlert:
    """A failure that is told, and its first repeat, which is counted."""

    may_raise: tuple[type[Exception], ...] = ()

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        config = folded._BOUNDED
        topic = SnsAlerts(around.faulty_sns(config), around.topic_arn)
        self._alerts = FoldedAlerts(topic, around.faulty_s3(config), around.bucket)
        self._sent: list[bool] = []

    def act(self) -> None:
        self._sent = [self._alerts.send(FAILURE) for _ in range(2)]

    def check(self, meeting: Meeting) -> None:
        assert_published(self._around, ["training_failed"], meeting)
        assert self._sent == [True, True]
        [key] = self._around.keys(ALERTS)
        if meeting.is_borne:  # else the count is not kept, and each is sent
            assert json.loads(self._around.read(key))["repeats"] == 1


class Refusal:
    """A version that must not be served, seen by two processes."""

    may_raise: tuple[type[Exception], ...] = ()

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def act(self) -> None:
        around, config = self._around, aws_composition._BOUNDED
        for _ in range(2):
            topic = SnsAlerts(around.faulty_sns(config), around.topic_arn)
            tell = AlertedRefusals(around.faulty_s3(config), around.bucket, topic)
            tell(REFUSED, "its digest is wrong", "7")

    def check(self, meeting: Meeting) -> None:
        assert_published(self._around, ["refused"], meeting)


def assert_published(around: Surroundings, wanted: list[str], meeting: Meeting) -> None:
    """Assert that the topic took these alerts, once each.

    Twice is right where SNS itself was not heard of, or the bucket that knows what was sent.
    """
    published = around.published()
    if meeting.hides_message or not meeting.is_borne:
        assert set(published) == set(wanted)
        assert len(published) <= len(wanted) + 1
    else:
        assert published == wanted


@pytest.mark.parametrize("fault", ONCE)
@pytest.mark.parametrize("protocol", [FoldedAlert, Refusal])
def test_an_alert_is_sent_and_its_repeat_is_not(proved: Prove, protocol: Any, fault: str) -> None:
    proved(protocol, fault)
