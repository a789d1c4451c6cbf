"""The function's log, read from CloudWatch Logs page by page."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from housing.schema import FEATURE_NAMES
from housing_cli.errors import LogGroupNotFoundError, UnreadableLineError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

PAGE_EVENTS = 10_000  # the most that FilterLogEvents returns at once
_PATTERN = '{ $.message = "prediction" }'  # not every endpoint heeds it: readers check too


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A line of the log; the time is in milliseconds since 1970, UTC."""

    event_id: str
    timestamp_ms: int
    message: str


def read_pages(
    logs: "CloudWatchLogsClient",
    group: str,
    *,
    since: datetime,
    until: datetime,
    page_events: int = PAGE_EVENTS,
) -> Iterator[list[LogEvent]]:
    """Yield the log's events from one moment to another, both included, oldest first.

    Emulators cut a long answer off and give no token to go on with; so after a full page without
    one the rest is asked for by time.

    Raises:
        LogGroupNotFoundError: There is no such log group.
    """
    start_ms, end_ms = max(0, milliseconds(since)), max(0, milliseconds(until))
    following: dict[str, Any] = {}
    while True:
        try:
            answer = logs.filter_log_events(
                logGroupName=group,
                startTime=start_ms,
                endTime=end_ms,
                filterPattern=_PATTERN,
                limit=page_events,
                **following,
            )
        except logs.exceptions.ResourceNotFoundException as exc:
            msg = f"there is no log group {group}: check HOUSING_PREDICT_LOG_GROUP"
            raise LogGroupNotFoundError(msg) from exc
        page = _events(answer["events"])
        token = answer.get("nextToken")
        following = {"nextToken": token} if token else {}
        if not token and len(page) >= page_events:
            page, start_ms = _whole_milliseconds(page)
        elif not token:
            yield page
            return
        yield page


def milliseconds(moment: datetime) -> int:
    """Return a moment as CloudWatch counts time."""
    return int(moment.timestamp() * 1_000)


def _events(found: "Sequence[FilteredLogEventTypeDef]") -> list[LogEvent]:
    """Name each event: AWS does, but MiniStack 1.5 gives what functions log no ``eventId``.

    Its name is then the digest of stream, time, text and, of equal ones, the number; as equal ones
    share their millisecond, they stand in the same page each time.
    """
    equals: Counter[str] = Counter()
    events = []
    for event in found:
        text = f"{event.get('logStreamName')}\n{event['timestamp']}\n{event['message']}"
        digest = hashlib.sha256(f"{equals[text]}\n{text}".encode()).hexdigest()
        equals[text] += 1
        name = event.get("eventId") or digest
        events.append(LogEvent(name, event["timestamp"], event["message"]))
    return events


def _whole_milliseconds(page: Sequence[LogEvent]) -> tuple[list[LogEvent], int]:
    """Split a page that may be cut: what is surely whole, and from when to ask again.

    The last millisecond may go on behind the cut, so it is read anew; if it fills the whole page,
    it cannot be got at in full, and reading goes on behind it.
    """
    last_ms = max(event.timestamp_ms for event in page)
    whole = [event for event in page if event.timestamp_ms < last_ms]
    return (whole, last_ms) if whole else (list(page), last_ms + 1)


MESSAGE = "prediction"


def _complete(features: Mapping[str, float]) -> Mapping[str, float]:
    missing = [name for name in FEATURE_NAMES if name not in features]
    if missing:
        msg = f"{', '.join(missing)} missing"
        raise ValueError(msg)
    return features


class PredictionLine(BaseModel):
    """One prediction; prices are in $100,000, the interval is lower and upper."""

    model_config = ConfigDict(protected_namespaces=())

    request_id: str
    features: Annotated[dict[str, float], AfterValidator(_complete)]
    price: float
    interval: tuple[float, float]
    model_version: str
    stale: bool
    latency_ms: float
    cold_start: bool


def read_line(text: str) -> PredictionLine | None:
    """Return the prediction that a line of the log tells of, or None if it tells of none.

    Raises:
        UnreadableLineError: It tells of one, but not all that belongs to it.
    """
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict) or document.get("message") != MESSAGE:
        return None
    try:
        return PredictionLine.model_validate(document)
    except ValidationError as exc:
        first = exc.errors()[0]
        msg = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise UnreadableLineError(msg) from exc
