"""A log of predictions: lines as the predict function writes them, and a log that is cut off."""

import json
from collections.abc import Sequence
from typing import Any

from housing.schema import FEATURES


def prediction_line(request_id: str = "request-1", **changes: Any) -> str:
    """Return a line of the shape that ``test_handler`` sees; a field that is None is left out."""
    fields: dict[str, Any] = {
        "level": "INFO",
        "location": "log_prediction:76",
        "message": "prediction",
        "timestamp": "2026-11-23 12:00:00,000+0000",
        "service": "predict",
        "cold_start": False,
        "function_name": "predict",
        "function_request_id": "8f5069ac-1111-2222-3333-0123456789ab",
        "request_id": request_id,
        "features": {column.name: column.example for column in FEATURES},
        "price": 4.5,
        "interval": [4.0, 5.25],
        "model_version": "7",
        "stale": False,
        "latency_ms": 1.234,
        **changes,
    }
    return json.dumps({name: value for name, value in fields.items() if value is not None})


class FakeLogs:
    """A log whose answers end at the limit and give no token, as an emulator's do.

    With ``paged_by`` they come in pages of that many events, with tokens, as AWS's do.

    Attributes:
        events: Its events, oldest first.
        interrupted_at: The number of the call, from 0, that Ctrl-C interrupts.
        exceptions: Where a client of boto3 keeps its errors' classes.
    """

    class exceptions:  # noqa: N801 - boto3's name
        """See ``boto3``."""

        class ResourceNotFoundException(Exception):  # noqa: N818 - boto3's name
            """Raised when there is no such log group."""

    def __init__(self, events: Sequence[dict[str, Any]], *, paged_by: int | None = None) -> None:
        self.events = events
        self._paged_by = paged_by
        self.interrupted_at: int | None = None
        self._calls = 0

    def filter_log_events(
        self,
        *,
        startTime: int,  # noqa: N803 - boto3's name
        endTime: int,  # noqa: N803 - boto3's name
        limit: int,
        nextToken: str = "0",  # noqa: N803 - boto3's name
        **_: Any,
    ) -> dict[str, Any]:
        """See ``CloudWatchLogsClient.filter_log_events``."""
        self._calls += 1
        if self._calls - 1 == self.interrupted_at:
            raise KeyboardInterrupt
        within = [event for event in self.events if startTime <= event["timestamp"] <= endTime]
        if self._paged_by is None:
            return {"events": within[:limit]}
        begin, end = int(nextToken), int(nextToken) + self._paged_by
        token = {"nextToken": str(end)} if end < len(within) else {}
        return {"events": within[begin:end], **token}
