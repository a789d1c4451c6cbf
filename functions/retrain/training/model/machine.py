"""Processors and memory that this process may use."""

from pathlib import Path

import joblib

_CGROUP = Path("/sys/fs/cgroup")
_MEMORY = Path("/proc/meminfo")
_SHARE = 0.9
"""Share of the available memory that tasks may use."""


def processors() -> int:
    """Return the number of processors of this process or its container, at least 1."""
    return int(joblib.cpu_count())


def tasks_in_memory(task_bytes: int, *, most: int) -> int:
    """Return how many tasks of a size the available memory holds, from 1 to ``most``."""
    available = available_bytes()
    if available is None:
        return most
    return max(1, min(most, int(_SHARE * available) // max(1, task_bytes)))


def available_bytes(memory: Path = _MEMORY, cgroup: Path = _CGROUP) -> int | None:
    """Return the free memory of the machine or the container; None where neither is known."""
    sizes = (_free_in_machine(memory), _free_in_container(cgroup))
    return min((size for size in sizes if size is not None), default=None)


def _free_in_machine(memory: Path) -> int | None:
    try:
        lines = memory.read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if "MemAvailable" in line)
    except (OSError, StopIteration):
        return None


def _free_in_container(cgroup: Path) -> int | None:
    try:
        limit, used = (int((cgroup / f"memory.{name}").read_text()) for name in ("max", "current"))
    except (OSError, ValueError):  # no cgroup of version 2, or no limit: "max"
        return None
    return max(0, limit - used)
