"""Calls in worker threads that a request can stop waiting for."""

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
    """A deadline shared by several waits, on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        """Start a deadline ``seconds`` from now."""
        self._end = time.monotonic() + seconds

    def remaining_seconds(self) -> float:
        """Return the time left, at least 0."""
        return max(0.0, self._end - time.monotonic())


class BackgroundCall(Generic[T]):
    """One call of a function by a worker."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._future: Future[T] = Future()
        self._function = function

    def run(self, before_done: Callable[[], None]) -> None:
        """Call the function, and keep its result or error.

        Args:
            before_done: Called after the function, before a waiting thread goes on.
        """
        try:
            result = self._function()
        except BaseException as exc:  # noqa: BLE001 - raised again in the waiting thread
            before_done()
            self._future.set_exception(exc)
        else:
            before_done()
            self._future.set_result(result)

    def result(self, timeout_seconds: float) -> T | None:
        """Return the function's result, or None on timeout; raise its error."""
        try:
            return self._future.result(timeout_seconds)
        except TimeoutError:
            if self._future.done():  # its own TimeoutError, or it ended at the last moment
                return self._future.result()
            return None

    def wait(self, timeout_seconds: float) -> None:
        """Wait for the end up to a timeout; log an error, even a later one."""
        self._future.add_done_callback(_logged)
        with contextlib.suppress(TimeoutError):
            self._future.exception(timeout_seconds)


def _logged(future: Future[Any]) -> None:
    error = future.exception()
    if error:
        _LOG.error("background_call_failed", exc_info=error)


class Workers:
    """A small pool of daemon threads.

    A hanging call costs one thread, not one for each try. Threads are used again because each keeps
    an arena of freed memory, megabytes once it has loaded a model.
    """

    def __init__(self, most: int = 4) -> None:
        """Set the limit; threads start on demand."""
        self._most = most
        self._started = 0
        self._idle: list[SimpleQueue[BackgroundCall[Any]]] = []
        self._lock = threading.Lock()

    def start(self, function: Callable[[], T]) -> BackgroundCall[T] | None:
        """Call a function in a worker; return None if all workers are busy."""
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
        def release() -> None:
            with self._lock:
                self._idle.append(inbox)

        while True:
            inbox.get().run(
                release
            )  # before the waiting thread goes on, so that it can start the next call
