"""Lines that are new: of the functions' log groups, and of the training jobs' log files."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_stack.bridge.place import FilePlace, LogPlace, Place

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

_OVERLAP_MS = 10_000
"""Events may arrive a little later than newer ones."""
Line = tuple[str, str]
"""Where a line is from, and what it says."""


def new_lines(
    logs: "CloudWatchLogsClient", prefix: str, jobs_dir: Path, place: Place
) -> Iterator[Line]:
    """Yield what was written since the place, and move the place.

    Args:
        logs: Client of the endpoint.
        prefix: How the names of the log groups begin.
        jobs_dir: Folder of the training jobs' logs.
        place: How far was read; it is changed.
    """
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
        for group in page["logGroups"]:
            name = group["logGroupName"]
            of_group = place.groups.setdefault(name, LogPlace())
            for message in _events(logs, name, of_group):
                yield from ((name, line) for line in message.splitlines())
    found = {path.name: path for path in sorted(jobs_dir.glob("*.log"))}
    for name in set(place.files) - set(found):
        del place.files[name]
    for name, path in found.items():
        of_file = place.files.setdefault(name, FilePlace())
        yield from ((name, line) for line in _lines(path, of_file))


def _events(logs: "CloudWatchLogsClient", group: str, place: LogPlace) -> Iterator[str]:
    start = max(0, place.newest_ms - _OVERLAP_MS)
    equal: Counter[str] = Counter()
    asked: dict[str, Any] = {"logGroupName": group, "startTime": start}
    while True:
        answer = logs.filter_log_events(**asked)
        fresh = 0
        for event in answer["events"]:
            identity = _identity(event, equal)
            if identity not in place.seen:
                fresh += 1
                place.seen[identity] = event["timestamp"]
                place.newest_ms = max(place.newest_ms, event["timestamp"])
                yield event["message"]
        if "nextToken" in answer:
            asked["nextToken"] = answer["nextToken"]
        elif fresh and answer["events"][-1]["timestamp"] > asked["startTime"]:
            # An endpoint may cut its answer without a token (MiniStack at 10,000 events).
            asked = {"logGroupName": group, "startTime": answer["events"][-1]["timestamp"]}
            equal.clear()
        else:
            break
    oldest = place.newest_ms - _OVERLAP_MS
    place.seen = {identity: at for identity, at in place.seen.items() if at >= oldest}


def _identity(event: Any, equal: Counter[str]) -> str:
    """Return the event's id; MiniStack gives none, but reads equal events in the same order."""
    if "eventId" in event:
        return str(event["eventId"])
    what = f"{event['logStreamName']}\0{event['timestamp']}\0{event['message']}"
    digest = hashlib.sha256(what.encode()).hexdigest()[:32]
    equal[digest] += 1
    return f"{digest}-{equal[digest]}"


def _lines(path: Path, place: FilePlace) -> Iterator[str]:
    with path.open("rb") as file:
        inode = path.stat().st_ino
        if inode != place.inode or path.stat().st_size < place.offset:
            place.inode, place.offset = inode, 0
        file.seek(place.offset)
        for line in file:
            if not line.endswith(b"\n"):
                break  # it is being written
            place.offset += len(line)
            yield line.decode(errors="replace")
