"""The checkpoint of the bridge on disk: positions in the sources, and calls to make."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class LogPosition:
    """Position in a log group: the newest time read, and the events shortly before it."""

    newest_ms: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    """Times of events by their identity."""


@dataclass(slots=True)
class FilePosition:
    """Position in a file: its inode, and the bytes read."""

    inode: int = 0
    offset: int = 0


@dataclass(slots=True)
class Checkpoint:
    """Positions in all sources, and the calls to make."""

    pending: list[dict[str, Any]] = field(default_factory=list)
    """Calls of PutMetricData to make."""

    groups: dict[str, LogPosition] = field(default_factory=dict)
    files: dict[str, FilePosition] = field(default_factory=dict)


def load(path: Path) -> Checkpoint:
    """Read the checkpoint; an empty one if there is none."""
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        return Checkpoint()
    return Checkpoint(
        pending=kept["pending"],
        groups={name: LogPosition(**position) for name, position in kept["groups"].items()},
        files={name: FilePosition(**position) for name, position in kept["files"].items()},
    )


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write the checkpoint atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    with scratch.open("w") as file:
        json.dump(asdict(checkpoint), file)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
