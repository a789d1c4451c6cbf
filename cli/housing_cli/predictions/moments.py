"""Moments as people type them: ``90m``, ``7d``, or an ISO date or time."""

import re
from datetime import datetime, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(rf"(\d+)([{''.join(_UNITS)}])")


def moment(text: str, *, now: datetime) -> datetime:
    """Return the moment that is meant.

    Args:
        text: A duration before now, a number and one of s, m, h, d, w; or an ISO 8601 date or
            time, in the computer's own time zone if it names none.
        now: The present, with its time zone.

    Raises:
        ValueError: It is neither, or too long ago to be a date.
    """
    duration = _DURATION.fullmatch(text.strip())
    try:
        if duration:
            return now - timedelta(**{_UNITS[duration[2]]: int(duration[1])})
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError) as exc:
        msg = f"'{text}' is neither a duration like 90m, 24h or 7d nor an ISO time"
        raise ValueError(msg) from exc
