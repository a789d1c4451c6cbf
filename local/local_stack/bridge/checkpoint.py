"""How far the bridge has read, and what it has yet to put, kept on disk."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class LogPlace:
    """Of a log group: the newest time that was read, and the events shortly before it."""

    newest_ms: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    """Times of events by their identity."""


@dataclass(slots=True)
class FilePlace:
    """Of a file: which it is, and how many bytes of it were read."""

    inode: int = 0
    offset: int = 0


@dataclass(slots=True)
class Place:
    """How far everything was read."""

    pending: list[dict[str, Any]] = field(default_factory=list)
    """Calls of PutMetricData that are yet to be made."""

    groups: dict[str, LogPlace] = field(default_factory=dict)
    files: dict[str, FilePlace] = field(default_factory=dict)


def load(path: Path) -> Place:
    """Read the place; the beginning, if there is none yet."""
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        return Place()
    return Place(
        pending=kept["pending"],
        groups={name: LogPlace(**place) for name, place in kept["groups"].items()},
        files={name: FilePlace(**place) for name, place in kept["files"].items()},
    )


def save(path: Path, place: Place) -> None:
    """Write the place, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    with scratch.open("w") as file:
        json.dump(asdict(place), file)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
