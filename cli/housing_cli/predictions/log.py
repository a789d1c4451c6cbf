"""Read the predictions of the function's log from CloudWatch Logs."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from housing.schema import ANSWER, FEATURE_NAMES, SUBJECT
from housing_cli.errors import LogGroupNotFoundError, UnreadableLineError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

PAGE_EVENTS = 10_000  # the most that FilterLogEvents returns at once
_MESSAGE = "prediction"
_PATTERN = '{ $.message = "prediction" }'  # some endpoints ignore it, so read_line checks it, too


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A log event; its time is in milliseconds since 1970, UTC."""

    event_id: str
    timestamp_ms: int
    message: str


_INTERVAL: Any = () if SUBJECT.task == "classification" else ...
"""Default of a line's interval: none, where there is none; else it is required."""
Feature = float | bool | str | None


def _complete(features: Mapping[str, Feature]) -> Mapping[str, Feature]:
    missing = [name for name in FEATURE_NAMES if name not in features]
    if missing:
        msg = f"{', '.join(missing)} missing"
        raise ValueError(msg)
    return features


class PredictionLine(BaseModel):
    """The log line of a prediction, as ``predict`` writes it, in the target's unit."""

    model_config = ConfigDict(protected_namespaces=())

    request_id: str
    features: Annotated[dict[str, Feature], AfterValidator(_complete)]
    price: float = Field(alias=ANSWER)
    interval: tuple[float, float] = Field(_INTERVAL)
    model_version: str
    stale: bool
    latency_ms: float
    cold_start: bool


def read_pages(
    logs: "CloudWatchLogsClient",
    group: str,
    *,
    since: datetime,
    until: datetime,
    page_events: int = PAGE_EVENTS,
) -> Iterator[list[LogEvent]]:
    """Yield the log events of a time range, both ends included, oldest first.

    Emulators truncate a long response without a token; after a full page without one, the next
    request starts at the last event's time.

    Raises:
        LogGroupNotFoundError: The log group does not exist.
    """
    start_ms, end_ms = max(0, milliseconds(since)), max(0, milliseconds(until))
    position: dict[str, Any] = {}
    while True:
        try:
            answer = logs.filter_log_events(
                logGroupName=group,
                startTime=start_ms,
                endTime=end_ms,
                filterPattern=_PATTERN,
                limit=page_events,
                **position,
            )
        except logs.exceptions.ResourceNotFoundException as exc:
            msg = f"no such log group: {group}; check HOUSING_PREDICT_LOG_GROUP"
            raise LogGroupNotFoundError(msg) from exc
        page = _events(answer["events"])
        token = answer.get("nextToken")
        position = {"nextToken": token} if token else {}
        if not token and len(page) >= page_events:
            page, start_ms = _whole_milliseconds(page)
        elif not token:
            yield page
            return
        yield page


def milliseconds(moment: datetime) -> int:
    """Return a time in milliseconds since 1970."""
    return int(moment.timestamp() * 1_000)


def read_line(text: str) -> PredictionLine | None:
    """Parse a log line; None if it is not a prediction.

    Raises:
        UnreadableLineError: A field of the prediction is missing or invalid.
    """
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict) or document.get("message") != _MESSAGE:
        return None
    try:
        return PredictionLine.model_validate(document)
    except ValidationError as exc:
        first = exc.errors()[0]
        msg = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise UnreadableLineError(msg) from exc


def _events(answer: "Sequence[FilteredLogEventTypeDef]") -> list[LogEvent]:
    """Give each event an id: MiniStack 1.5 returns those of functions without ``eventId``.

    The id is then the digest of stream, time, text and a counter of equal events; equal events
    share their millisecond, so that they are in the same page each time.
    """
    equals: Counter[str] = Counter()
    events = []
    for event in answer:
        text = f"{event.get('logStreamName')}\n{event['timestamp']}\n{event['message']}"
        digest = hashlib.sha256(f"{equals[text]}\n{text}".encode()).hexdigest()
        equals[text] += 1
        name = event.get("eventId") or digest
        events.append(LogEvent(name, event["timestamp"], event["message"]))
    return events


def _whole_milliseconds(page: Sequence[LogEvent]) -> tuple[list[LogEvent], int]:
    """Return the complete part of a page that may be truncated, and the next start time.

    The last millisecond may be incomplete, so it is read again; if it fills the whole page, it
    cannot be read in full, and the next millisecond follows.
    """
    last_ms = max(event.timestamp_ms for event in page)
    whole = [event for event in page if event.timestamp_ms < last_ms]
    return (whole, last_ms) if whole else (list(page), last_ms + 1)
