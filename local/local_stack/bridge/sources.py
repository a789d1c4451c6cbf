"""Read new lines of the functions' log groups and the training jobs' log files."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_stack.bridge.checkpoint import Checkpoint, FilePosition, LogPosition

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

_OVERLAP_MS = 10_000
"""Events may arrive shortly after newer ones."""
Line = tuple[str, str]
"""Source and text."""


def new_lines(
    logs: "CloudWatchLogsClient", prefix: str, jobs_dir: Path, checkpoint: Checkpoint
) -> Iterator[Line]:
    """Yield the lines since the checkpoint, and advance it.

    Args:
        logs: Client of the endpoint's logs.
        prefix: Prefix of the log groups.
        jobs_dir: Folder of the training jobs' logs.
        checkpoint: The positions; they are changed.
    """
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
        for group in page["logGroups"]:
            name = group["logGroupName"]
            of_group = checkpoint.groups.setdefault(name, LogPosition())
            for message in _events(logs, name, of_group):
                yield from ((name, line) for line in message.splitlines())
    files = {path.name: path for path in sorted(jobs_dir.glob("*.log"))}
    for name in set(checkpoint.files) - set(files):
        del checkpoint.files[name]
    for name, path in files.items():
        of_file = checkpoint.files.setdefault(name, FilePosition())
        yield from ((name, line) for line in _lines(path, of_file))


def _events(logs: "CloudWatchLogsClient", group: str, position: LogPosition) -> Iterator[str]:
    start = max(0, position.newest_ms - _OVERLAP_MS)
    equal: Counter[str] = Counter()
    request: dict[str, Any] = {"logGroupName": group, "startTime": start}
    while True:
        answer = logs.filter_log_events(**request)
        fresh = 0
        for event in answer["events"]:
            identity = _identity(event, equal)
            if identity not in position.seen:
                fresh += 1
                position.seen[identity] = event["timestamp"]
                position.newest_ms = max(position.newest_ms, event["timestamp"])
                yield event["message"]
        if "nextToken" in answer:
            request["nextToken"] = answer["nextToken"]
        elif fresh and answer["events"][-1]["timestamp"] > request["startTime"]:
            # An endpoint may truncate its answer without a token (MiniStack at 10,000 events).
            request = {"logGroupName": group, "startTime": answer["events"][-1]["timestamp"]}
            equal.clear()
        else:
            break
    oldest = position.newest_ms - _OVERLAP_MS
    position.seen = {identity: at for identity, at in position.seen.items() if at >= oldest}


def _identity(event: Any, equal: Counter[str]) -> str:
    """Return the event's id; MiniStack has none, but returns equal events in the same order."""
    if "eventId" in event:
        return str(event["eventId"])
    text = f"{event['logStreamName']}\0{event['timestamp']}\0{event['message']}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    equal[digest] += 1
    return f"{digest}-{equal[digest]}"


def _lines(path: Path, position: FilePosition) -> Iterator[str]:
    with path.open("rb") as file:
        inode = path.stat().st_ino
        if inode != position.inode or path.stat().st_size < position.offset:
            position.inode, position.offset = inode, 0
        file.seek(position.offset)
        for line in file:
            if not line.endswith(b"\n"):
                break  # still being written
            position.offset += len(line)
            yield line.decode(errors="replace")
