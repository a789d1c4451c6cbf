"""Telling people: one message for each event that somebody should know of."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_SUBJECT_CHARACTERS = 100  # SNS's limit
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Alert:
    """An event, why it happened and what to do next."""

    event: str
    subject: str
    reason: str
    next_step: str
    facts: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Return the message as a person reads it."""
        facts = [f"{name}: {value}" for name, value in self.facts.items()]
        return "\n".join([self.subject, "", self.reason, *facts, "", f"Next: {self.next_step}"])


class AlertSink(Protocol):
    """Where alerts go. Sending never raises: an alert must not fail what it tells of."""

    def send(self, alert: Alert) -> None:
        """Send one alert."""
        ...


class SnsAlerts:
    """Alerts to an SNS topic, which fans out to e-mail and Slack."""

    def __init__(self, sns: "SNSClient", topic_arn: str) -> None:
        """Use an SNS client on one topic."""
        self._sns = sns
        self._topic_arn = topic_arn

    def send(self, alert: Alert) -> None:
        """Publish the alert; what cannot be sent is logged."""
        try:
            self._sns.publish(
                TopicArn=self._topic_arn,
                Subject=alert.subject[:_SUBJECT_CHARACTERS],
                Message=alert.text(),
                MessageAttributes={
                    "event": {"DataType": "String", "StringValue": alert.event},
                    "facts": {"DataType": "String", "StringValue": json.dumps(dict(alert.facts))},
                },
            )
        except (BotoCoreError, ClientError):
            _LOG.exception("alert_not_sent", extra={"event": alert.event})


class LoggedAlerts:
    """Alerts to the log, where no topic is configured."""

    def send(self, alert: Alert) -> None:
        """Log the alert."""
        _LOG.warning("%s", alert.text())
