"""Alerts: one message for each event, to SNS or to the log."""

import json
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from pydantic import AwareDatetime, BaseModel

from housing.s3.client import Failure, failure_of

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

_SUBJECT_CHARACTERS = 100  # SNS's limit
_TEXT_CHARACTERS = 8_000  # of each part; SNS takes 256 KiB of all
_FACT_CHARACTERS = 500
_TRIES = 3
_PAUSE_SECONDS = 0.2  # after the first try; doubled after the second
_LOG = logging.getLogger(__name__)


class AlertEvent(StrEnum):
    """Event of an alert, the message's attribute ``event``."""

    MODEL_PROMOTED = "model_promoted"
    MODEL_NOT_PROMOTED = "model_not_promoted"
    MODEL_HELD = "model_held"
    UPLOAD_REJECTED = "upload_rejected"
    TRAINING_FAILED = "training_failed"
    DATA_DRIFTED = "data_drifted"
    ROLLED_BACK = "rolled_back"
    PROMOTED_BY_HAND = "promoted"
    PROMOTION_STOPPED = "promotion_stopped"
    PROMOTION_RESUMED = "promotion_resumed"
    DATA_EXCLUDED = "data_excluded"
    DATA_INCLUDED = "data_included"
    REFUSED = "refused"
    ALIAS_REPAIRED = "alias_repaired"
    LAUNCHES_REFUSED = "launches_refused"
    UPLOADS_RECOVERED = "uploads_recovered"

    @property
    def is_folded(self) -> bool:
        """Whether repeats within an hour are one message; a change of state is always sent."""
        return self in (
            AlertEvent.UPLOAD_REJECTED,
            AlertEvent.TRAINING_FAILED,
            AlertEvent.LAUNCHES_REFUSED,
            AlertEvent.UPLOADS_RECOVERED,
        )


@dataclass(frozen=True, slots=True)
class Alert:
    """An event, why it happened and what to do next."""

    event: AlertEvent
    subject: str
    reason: str
    next_step: str
    """A command where there is one."""
    facts: Mapping[str, str] = field(default_factory=dict)
    advice: str = ""
    """Purpose of the command, or what to do before it."""

    def text(self) -> str:
        """Return the message for people."""
        facts = [f"{name}: {value}" for name, value in self.facts.items()]
        advice = [self.advice] if self.advice else []
        lines = [self.subject, "", self.reason, *facts, "", *advice, f"Next: {self.next_step}"]
        return "\n".join(lines)

    def attributes(self) -> dict[str, str]:
        """Return the message's attributes, for programs; SNS rejects empty ones."""
        facts = {name: _cleaned(value, _FACT_CHARACTERS) for name, value in self.facts.items()}
        attributes = {
            "event": self.event.value,
            "facts": json.dumps(facts),
            "reason": _cleaned(self.reason),
            "advice": _cleaned(self.advice),
            "next_step": _cleaned(self.next_step),
        }
        return {name: value for name, value in attributes.items() if value}


class AlertSink(Protocol):
    """Port: sends alerts, and never raises: an alert must not fail its sender."""

    def send(self, alert: Alert) -> bool:
        """Send one alert; return whether it was sent, or held back as a repeat."""
        ...


class Claim(BaseModel):
    """A claim on sending one alert: other processes wait, and take over if the claimant dies."""

    by: str
    """An id of the process, unique."""
    until: AwareDatetime

    def is_live(self, now: datetime, longest: timedelta) -> bool:
        """Whether others wait; a claim from the future, after a clock was set back, is not live."""
        return self.until - longest <= now < self.until


class SnsAlerts:
    """Sends alerts to an SNS topic, for e-mail and Slack."""

    def __init__(self, sns: "SNSClient", topic_arn: str) -> None:
        self._sns = sns
        self._topic_arn = topic_arn

    def send(self, alert: Alert) -> bool:
        """Publish the alert, with retries; log an alert that cannot be sent."""
        attributes: dict[str, MessageAttributeValueTypeDef] = {
            name: {"DataType": "String", "StringValue": value}
            for name, value in alert.attributes().items()
        }
        tries = 1
        while True:
            try:
                self._sns.publish(
                    TopicArn=self._topic_arn,
                    Subject=_subject(alert.subject),
                    Message=_cleaned(alert.text()),
                    MessageAttributes=attributes,
                )
            except Exception as exc:  # noqa: BLE001 - failure_of raises errors of others than boto3
                may_pass = failure_of(exc) in {Failure.PASSING, Failure.CONFLICT}
                if tries == _TRIES or not may_pass:
                    _LOG.exception("alert_not_sent", extra={"event": alert.event})
                    return False
            else:
                return True
            pause = _PAUSE_SECONDS * 2 ** (tries - 1)
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - many send, not in step
            tries += 1


class LoggedAlerts:
    """Writes alerts to the log, if no topic is configured."""

    def send(self, alert: Alert) -> bool:
        """Log the alert."""
        _LOG.warning("%s", alert.text())
        return True


def _subject(text: str) -> str:
    """Return a subject that SNS accepts: one line of ASCII."""
    line = " ".join(text.split()).encode("ascii", "replace").decode()
    return line[:_SUBJECT_CHARACTERS]


def _cleaned(text: str, limit: int = _TEXT_CHARACTERS) -> str:
    """Return a text without control characters, truncated."""
    kept = "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")
    return kept[:limit]
