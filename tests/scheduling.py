"""Which tests one worker of xdist runs one after another.

The tests of these folders share what takes longest to start: a running stack, the built packages,
an MLflow server. With a file as the unit, each worker starts all of it.
"""

from typing import Any

from typing_extensions import override
from xdist.scheduler import LoadFileScheduling

_TOGETHER = ("contract", "faults", "infra", "integration", "monitoring")


class FolderScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A folder that shares what it starts is a unit of work; of the others each file is one."""

    @override
    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def unit_of(nodeid: str) -> str:
    """Return the folder or file whose tests run on the worker of this one."""
    file = nodeid.partition("::")[0]
    for folder in _TOGETHER:
        if file.startswith(f"tests/{folder}/"):
            return f"tests/{folder}"
    return file


def scheduling(config: Any, log: Any) -> FolderScheduling | None:
    """Return the scheduling of ``--dist loadfile``."""
    return FolderScheduling(config, log) if config.getoption("dist") == "loadfile" else None
