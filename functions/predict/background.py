"""Work that a request may stop waiting for, though the work itself cannot be stopped."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Deadline:
    """A moment that several waits share; it is counted on a clock that nobody sets."""

    def __init__(self, seconds: float) -> None:
        """Put the moment so many seconds from now."""
        self._end = time.monotonic() + seconds

    def remaining_seconds(self) -> float:
        """Return what is left, never below 0."""
        return max(0.0, self._end - time.monotonic())


class BackgroundCall(Generic[T]):
    """One call of a function, in a thread of its own that does not keep the process alive."""

    def __init__(self, function: Callable[[], T]) -> None:
        """Start it."""
        self._future: Future[T] = Future()
        self._function = function
        threading.Thread(target=self._run, name="background-call", daemon=True).start()

    def result(self, timeout_seconds: float) -> T | None:
        """Return what it returned, or None where it takes longer; what it raised is raised."""
        try:
            return self._future.result(timeout_seconds)
        except TimeoutError:
            if self._future.done():  # the function's own, or it ended at the last moment
                return self._future.result()
            return None

    def _run(self) -> None:
        try:
            self._future.set_result(self._function())
        except BaseException as exc:  # noqa: BLE001 - handed to whoever waits
            self._future.set_exception(exc)
