"""The stack's CloudWatch alarms, and which of them ring."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from predict.errors import StoreUnavailableError

AlarmState = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
_RETRY_SECONDS = 60


class AlarmSource(Protocol):
    """Port: the used part of CloudWatch's client."""

    def describe_alarms(self, **query: Any) -> Mapping[str, Any]:
        """Return alarms of given names.

        See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
        """
        ...


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm; ``reason`` is CloudWatch's, with the numbers."""

    name: str
    state: AlarmState
    description: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Alarms:
    """Reads the alarms of given names; there are none where the stack makes none."""

    source: Callable[[], AlarmSource]
    names: Sequence[str]

    def current(self) -> Sequence[Alarm]:
        """Return the alarms, those that ring first.

        Raises:
            StoreUnavailableError: CloudWatch cannot be asked.
        """
        if not self.names:
            return []
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow to import

        try:
            answer = self.source().describe_alarms(AlarmNames=list(self.names))
        except (BotoCoreError, ClientError) as exc:
            msg = f"the alarms cannot be read from CloudWatch: {type(exc).__name__}"
            raise StoreUnavailableError(msg, retry_after_seconds=_RETRY_SECONDS) from exc
        alarms = [_alarm(one) for one in answer["MetricAlarms"]]
        return sorted(alarms, key=lambda alarm: (alarm.state != "ALARM", alarm.name))


def _alarm(described: Mapping[str, Any]) -> Alarm:
    return Alarm(
        described["AlarmName"],
        described["StateValue"],
        described.get("AlarmDescription", ""),
        described.get("StateReason", ""),
        described["StateUpdatedTimestamp"],
    )
