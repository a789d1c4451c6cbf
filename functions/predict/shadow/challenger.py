"""The version with the alias ``challenger``, looked up and loaded in a thread: no request waits.

It passes the same checks as the version in production. A failure is logged, without an alert.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import numpy as np

from housing.registry.port import CHALLENGER, ModelRegistry
from housing.schema import FEATURES
from predict.background import BackgroundCall, Workers
from predict.model.alias import AliasFailure, AliasFollower
from predict.model.loading import ModelFiles, ServedModel
from predict.model.predictor import Predictor

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_TIMED_ROWS = np.array([[column.example for column in FEATURES]] * 128)
_SKIPPED_COUNTS = 0.98
"""Factor on the estimate for each skipped batch: one slow run does not end all comparisons."""


class Challenger:
    """A loaded version, the one thread that runs it, and its time for a row."""

    def __init__(self, served: ServedModel) -> None:
        """Time the version on a batch.

        Raises:
            ModelOutputError: The version fails on it.
        """
        self.served = served
        self.seconds_per_row = _seconds_per_row(served.predictor)
        self._workers = Workers(most=1)  # a hanging one is waited for once

    @property
    def name(self) -> str:
        """The version's number and digest, its name in logs and metrics."""
        return self.served.version.unique_name

    def start(
        self, run: Callable[[Predictor], T], *, rows: int, within_seconds: float
    ) -> BackgroundCall[T] | None:
        """Start a run; return None if it would not end in time, or the last run goes on."""
        if rows * self.seconds_per_row > within_seconds:
            self.seconds_per_row *= _SKIPPED_COUNTS
            return None
        return self._workers.start(lambda: run(self.served.predictor))

    def took(self, seconds: float, *, rows: int) -> None:
        """Update the estimate by a run of enough rows."""
        if rows >= len(_TIMED_ROWS):
            self.seconds_per_row = (self.seconds_per_row + seconds / rows) / 2


class ChallengerStore:
    """Looks the alias up and keeps its version loaded."""

    def __init__(
        self,
        registry: ModelRegistry,
        files: ModelFiles,
        *,
        ttl: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Set what to follow; the first use looks the alias up.

        Args:
            registry: Where the alias is looked up.
            files: Directory of its file; not production's, which keeps one file.
            ttl: Time for which a look-up holds, from its end.
            clock: Returns the time.
        """
        self._follower = AliasFollower(registry, files, CHALLENGER, clock)
        self._ttl = ttl
        self._clock = clock
        self._workers = Workers(most=1)
        self._checked_at: datetime | None = None
        self._loaded: Challenger | None = None
        self._current: Challenger | None = None
        self._logged: str | None = None

    def current(self) -> Challenger | None:
        """Return the loaded challenger, or None, at once; start a look-up that is due."""
        if self._is_due():
            self._workers.start(self._look_up)  # no effect while one is running
        return self._current

    def load(self, timeout_seconds: float) -> None:
        """Look the alias up and wait for it: outside of requests."""
        looking = self._workers.start(self._look_up)
        if looking:
            looking.wait(timeout_seconds)

    def recheck(self) -> None:
        """Forget when the alias was last looked up."""
        self._checked_at = None

    def _is_due(self) -> bool:
        if self._checked_at is None:
            return True
        return not timedelta(0) <= self._clock() - self._checked_at < self._ttl

    def _look_up(self) -> None:
        try:
            result = self._follower.follow(self._loaded.served if self._loaded else None)
            if isinstance(result, AliasFailure):
                self._pause(result)
            else:
                self._swap(result)
        except Exception:  # noqa: BLE001 - the thread's outermost handler
            self._current = None
            _LOG.exception("challenger_look_up_failed")
        finally:
            self._checked_at = self._clock()

    def _swap(self, served: ServedModel) -> None:
        if self._loaded is None or self._loaded.served.predictor is not served.predictor:
            self._loaded = Challenger(served)
            _LOG.info("challenger_loaded", extra={"challenger_version": self._loaded.name})
        self._current, self._logged = self._loaded, None

    def _pause(self, failure: AliasFailure) -> None:
        """Run nothing; keep the loaded version only while the registry is unavailable."""
        self._current = None
        if failure.refused or failure.is_unpromoted:
            self._loaded = None
        if self._logged != failure.error:
            self._logged = failure.error
            _LOG.info("no_challenger", extra={"reason": failure.error})


def _seconds_per_row(predictor: Predictor) -> float:
    """Return the time for a row of a batch, the better of two runs."""
    runs = []
    for _ in range(2):
        started = time.perf_counter()
        predictor.predict_columns(_TIMED_ROWS)
        runs.append(time.perf_counter() - started)
    return min(runs) / len(_TIMED_ROWS)
