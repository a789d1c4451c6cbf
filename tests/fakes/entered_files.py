"""The first-party files whose functions a call enters, found by ``sys.setprofile``."""

import inspect
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

CHECKOUT = Path(__file__).parents[2]
PACKAGES = (CHECKOUT / "functions", CHECKOUT / "layers" / "shared")


class EnteredFiles:
    """Files in the order in which the first function of each was called."""

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}
        """Calls by file, relative to the checkout."""
        self._names: dict[str, str | None] = {}

    def __len__(self) -> int:
        return len(self.calls)

    def __str__(self) -> str:
        files = [f"{count:>8} calls  {name}" for name, count in self.calls.items()]
        return "\n".join([f"{len(files)} files", *files])

    def trace(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Count a call; bodies of modules and classes run at import and count as none."""
        code = frame.f_code
        if event != "call" or not code.co_flags & inspect.CO_OPTIMIZED:
            return
        if code.co_filename not in self._names:
            self._names[code.co_filename] = _first_party(code.co_filename)
        name = self._names[code.co_filename]
        if name is not None:
            self.calls[name] = self.calls.get(name, 0) + 1


@contextmanager
def entered_files() -> Iterator[EnteredFiles]:
    """Trace this thread, and threads that start within the block."""
    entered = EnteredFiles()
    before = sys.getprofile()
    threading.setprofile(entered.trace)
    sys.setprofile(entered.trace)
    try:
        yield entered
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


def _first_party(filename: str) -> str | None:
    path = Path(filename)
    if any(path.is_relative_to(package) for package in PACKAGES):
        return str(path.relative_to(CHECKOUT))
    return None
