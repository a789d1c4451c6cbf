"""Telling people: one message for each event that somebody should know of."""

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
    """What an alert is about, as its message's attribute ``event`` says it."""

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
        """Whether repeats within a while are one message; what changes a state is always told."""
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
    """In words, what the command is for or what has to be done before it."""

    def text(self) -> str:
        """Return the message as a person reads it."""
        facts = [f"{name}: {value}" for name, value in self.facts.items()]
        advice = [self.advice] if self.advice else []
        lines = [self.subject, "", self.reason, *facts, "", *advice, f"Next: {self.next_step}"]
        return "\n".join(lines)

    def attributes(self) -> dict[str, str]:
        """Return the message's attributes: the same for programs; none is empty, as SNS wants."""
        facts = {name: _cleaned(value, _FACT_CHARACTERS) for name, value in self.facts.items()}
        found = {
            "event": self.event.value,
            "facts": json.dumps(facts),
            "reason": _cleaned(self.reason),
            "advice": _cleaned(self.advice),
            "next_step": _cleaned(self.next_step),
        }
        return {name: value for name, value in found.items() if value}


class AlertSink(Protocol):
    """Where alerts go. Sending never raises: an alert must not fail what it tells of."""

    def send(self, alert: Alert) -> bool:
        """Send one alert; return whether it went out or was deliberately kept back."""
        ...


class Claim(BaseModel):
    """A claim on sending one alert: other processes wait, and take over if the claimant dies."""

    by: str
    """An id that no other process uses."""
    until: AwareDatetime

    def is_live(self, now: datetime, longest: timedelta) -> bool:
        """Whether the others wait; a claim from the future is not, whose clock was set back."""
        return self.until - longest <= now < self.until


class SnsAlerts:
    """Alerts to an SNS topic, which fans out to e-mail and Slack."""

    def __init__(self, sns: "SNSClient", topic_arn: str) -> None:
        """Use an SNS client on one topic."""
        self._sns = sns
        self._topic_arn = topic_arn

    def send(self, alert: Alert) -> bool:
        """Publish the alert, until the topic has taken it; what cannot be sent is logged."""
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
            except Exception as exc:  # noqa: BLE001 - failure_of raises what is not boto3's
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
    """Alerts to the log, where no topic is configured."""

    def send(self, alert: Alert) -> bool:
        """Log the alert."""
        _LOG.warning("%s", alert.text())
        return True


def _subject(text: str) -> str:
    """Return a subject as SNS takes it: one line of ASCII."""
    line = " ".join(text.split()).encode("ascii", "replace").decode()
    return line[:_SUBJECT_CHARACTERS]


def _cleaned(text: str, limit: int = _TEXT_CHARACTERS) -> str:
    """Return a text without the control characters of a stranger's file, and not endless."""
    kept = "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")
    return kept[:limit]
