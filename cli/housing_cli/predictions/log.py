"""The function's log, read from CloudWatch Logs page by page."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from housing_cli.errors import LogGroupNotFoundError

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
