"""Normalization of every SNS message into a ``Notice``.

Formats: https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html (the event),
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (destinations),
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from pydantic import BaseModel, Field, ValidationError

from notify.errors import EventError

_NO_SUBJECT = "A message on the alert topic"


@dataclass(frozen=True, slots=True)
class Notice:
    """A message for people."""

    title: str
    reason: str
    facts: Mapping[str, str] = field(default_factory=dict)
    advice: str = ""
    next_step: str = ""


class _Attribute(BaseModel):
    value: str = Field(alias="Value")


class _Message(BaseModel):
    text: str = Field(alias="Message")
    subject: str | None = Field(None, alias="Subject")
    attributes: dict[str, _Attribute] | None = Field(None, alias="MessageAttributes")


class _Record(BaseModel):
    sns: _Message = Field(alias="Sns")


class _Event(BaseModel):
    records: list[_Record] = Field(alias="Records", min_length=1)


def notices_in(event: Mapping[str, Any]) -> list[Notice]:
    """Return the messages of an event.

    Raises:
        EventError: It is not an event of SNS.
    """
    try:
        records = _Event.model_validate(event).records
    except ValidationError as exc:
        msg = f"not an event of SNS: {exc.error_count()} fields are missing or not valid"
        raise EventError(msg) from exc
    return [_notice(record.sns) for record in records]


def _notice(message: _Message) -> Notice:
    attributes = {name: attribute.value for name, attribute in (message.attributes or {}).items()}
    if "event" in attributes:
        return _of_alert(message, attributes)
    content = _read_json(message.text)
    if "AlarmName" in content:
        return _of_alarm(content)
    if "requestContext" in content:
        return _of_failed_function(content)
    return Notice(message.subject or _NO_SUBJECT, message.text)


def _of_alert(message: _Message, attributes: Mapping[str, str]) -> Notice:
    """Convert an alert of the project: see ``housing.alerts.alert.Alert.attributes``."""
    return Notice(
        title=message.subject or attributes["event"],
        reason=attributes.get("reason") or message.text,
        facts=_texts(_read_json(attributes.get("facts", ""))),
        advice=attributes.get("advice", ""),
        next_step=attributes.get("next_step", ""),
    )


def _of_failed_function(content: Mapping[str, Any]) -> Notice:
    """Convert a failed invocation, from Lambda's destination."""
    context, answer = _part(content, "requestContext"), _part(content, "responsePayload")
    name = _function_name(str(context.get("functionArn", "")))
    kind, error = answer.get("errorType"), answer.get("errorMessage")
    reason = ": ".join(str(part) for part in (kind, error) if part)
    condition = str(context.get("condition", "unknown"))
    return Notice(
        title=f"{name} failed for good",
        reason=reason or f"Lambda dropped the event: {condition}",
        facts=_texts(
            {
                "file": ", ".join(_keys(_part(content, "requestPayload"))),
                "tries": context.get("approximateInvokeCount"),
                "condition": condition,
                "request": context.get("requestId"),
            }
        ),
        advice="fix the cause; within ten minutes the sweep starts the job of an upload; see:",
        next_step="housing status",
    )


def _of_alarm(content: Mapping[str, Any]) -> Notice:
    trigger = _part(content, "Trigger")
    return Notice(
        title=f"{content.get('NewStateValue', 'alarm')}: {content['AlarmName']}",
        reason=str(content.get("NewStateReason") or "CloudWatch gives no reason"),
        facts=_texts(
            {
                "was": content.get("OldStateValue"),
                "metric": trigger.get("MetricName"),
                "threshold": trigger.get("Threshold"),
                "region": content.get("Region"),
                "at": content.get("StateChangeTime"),
            }
        ),
        advice=str(content.get("AlarmDescription") or ""),
    )


def _function_name(arn: str) -> str:
    """Return the name in ``arn:aws:lambda:region:account:function:name:$LATEST``."""
    parts = arn.split(":")
    return parts[6] if len(parts) > 6 else "a function"  # noqa: PLR2004 - the form above


def _keys(event: Mapping[str, Any]) -> list[str]:
    records = event.get("Records")
    if not isinstance(records, list):
        return []
    keys = [_part(_part(_mapping(record), "s3"), "object").get("key") for record in records]
    return [unquote_plus(str(key)) for key in keys if key]  # as S3 encodes them in events


def _part(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return _mapping(content.get(name))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _read_json(text: str) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def _texts(facts: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in facts.items() if value not in (None, "")}
