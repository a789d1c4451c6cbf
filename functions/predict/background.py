"""Work that a request may stop waiting for, though the work itself cannot be stopped."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_LOG = logging.getLogger(__name__)


class Deadline:
    """A moment that several waits share; it is counted on a clock that nobody sets."""

    def __init__(self, seconds: float) -> None:
        """Put the moment so many seconds from now."""
        self._end = time.monotonic() + seconds

    def remaining_seconds(self) -> float:
        """Return what is left, never below 0."""
        return max(0.0, self._end - time.monotonic())


class BackgroundCall(Generic[T]):
    """One call of a function, made by a worker."""

    def __init__(self, function: Callable[[], T]) -> None:
        """Remember the function."""
        self._future: Future[T] = Future()
        self._function = function

    def run(self, before_it_is_told: Callable[[], None]) -> None:
        """Call it; what it returns or raises is kept for whoever waits.

        Args:
            before_it_is_told: Called once it has ended, before anybody who waits goes on.
        """
        try:
            result = self._function()
        except BaseException as exc:  # noqa: BLE001 - handed to whoever waits
            before_it_is_told()
            self._future.set_exception(exc)
        else:
            before_it_is_told()
            self._future.set_result(result)

    def result(self, timeout_seconds: float) -> T | None:
        """Return what it returned, or None where it takes longer; what it raised is raised."""
        try:
            return self._future.result(timeout_seconds)
        except TimeoutError:
            if self._future.done():  # the function's own, or it ended at the last moment
                return self._future.result()
            return None

    def wait(self, timeout_seconds: float) -> None:
        """Wait so long for its end; what it raised is logged, now or when it comes."""
        self._future.add_done_callback(_logged)
        with contextlib.suppress(TimeoutError):
            self._future.exception(timeout_seconds)


def _logged(future: Future[Any]) -> None:
    error = future.exception()
    if error:
        _LOG.error("background_call_failed", exc_info=error)


class Workers:
    """Threads that make calls, used again and again, none of which keeps the process alive.

    They are few: one that never comes back costs one, not one for each try. And they are the same
    ones: each thread that allocates keeps an arena of freed memory, megabytes once a model was
    loaded in it.
    """

    def __init__(self, most: int = 4) -> None:
        """Allow so many at once; none is started yet."""
        self._most = most
        self._started = 0
        self._idle: list[SimpleQueue[BackgroundCall[Any]]] = []
        self._lock = threading.Lock()

    def start(self, function: Callable[[], T]) -> BackgroundCall[T] | None:
        """Have a function called; None where no worker has come back from its last call."""
        with self._lock:
            if self._idle:
                inbox = self._idle.pop()
            elif self._started < self._most:
                self._started += 1
                inbox = SimpleQueue()
                threading.Thread(
                    target=self._work, args=(inbox,), name="background-worker", daemon=True
                ).start()
            else:
                return None
        call = BackgroundCall(function)
        inbox.put(call)
        return call

    def _work(self, inbox: "SimpleQueue[BackgroundCall[Any]]") -> None:
        def come_back() -> None:
            with self._lock:
                self._idle.append(inbox)

        while True:
            inbox.get().run(come_back)  # whoever waited for it can have the next call made at once
