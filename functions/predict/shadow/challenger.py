"""Follows the alias ``challenger`` without a request ever waiting for it.

A thread looks the alias up, loads the version and proves it as the one in production is proved.
What stands in the way is no trouble of the service's: it is logged, nobody is alerted.
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
from predict.model.alias import AliasFollower, Trouble
from predict.model.loading import ModelFiles, ServedModel
from predict.model.predictor import Predictor

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_TIMED_ROWS = np.array([[column.example for column in FEATURES]] * 128)
_SKIPPED_COUNTS = 0.98
"""What a skipped batch makes of the estimate: one slow run does not end all comparisons."""


class Challenger:
    """A loaded version, the one thread that runs it, and how long a row takes there."""

    def __init__(self, served: ServedModel) -> None:
        """Time the version on a batch.

        Raises:
            ModelOutputError: It fails on it.
        """
        self.served = served
        self.seconds_per_row = _seconds_per_row(served.predictor)
        self._workers = Workers(most=1)  # one that hangs is waited for once, and then no more

    @property
    def name(self) -> str:
        """The version's number and digest, as logs and metrics name it."""
        return self.served.version.unique_name

    def start(
        self, run: Callable[[Predictor], T], *, rows: int, within_seconds: float
    ) -> BackgroundCall[T] | None:
        """Have it run; None where it will not end in time, or is still at the last run."""
        if rows * self.seconds_per_row > within_seconds:
            self.seconds_per_row *= _SKIPPED_COUNTS
            return None
        return self._workers.start(lambda: run(self.served.predictor))

    def took(self, seconds: float, *, rows: int) -> None:
        """Learn from a run, late ones too; of few rows it says little about one."""
        if rows >= len(_TIMED_ROWS):
            self.seconds_per_row = (self.seconds_per_row + seconds / rows) / 2


class ChallengerStore:
    """The version that carries the alias, as far as it is known and loaded."""

    def __init__(
        self,
        registry: ModelRegistry,
        files: ModelFiles,
        *,
        ttl: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Remember what to follow; nothing is asked yet.

        Args:
            registry: Where the alias is looked up.
            files: Where its file is kept; not where production's is, which keeps but one.
            ttl: How long a look-up holds, counted from its end.
            clock: Tells the time.
        """
        self._follower = AliasFollower(registry, files, CHALLENGER, clock)
        self._ttl = ttl
        self._clock = clock
        self._workers = Workers(most=1)
        self._checked_at: datetime | None = None
        self._loaded: Challenger | None = None
        self._current: Challenger | None = None
        self._told: str | None = None

    def current(self) -> Challenger | None:
        """Return what there is, at once; a look-up that is due is started."""
        if self._is_due():
            self._workers.start(self._look_up)  # nothing, where one is under way
        return self._current

    def load(self, timeout_seconds: float) -> None:
        """Look the alias up and wait for it so long: where no request is being answered."""
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
            found = self._follower.follow(self._loaded.served if self._loaded else None)
            if isinstance(found, Trouble):
                self._sit_still(found)
            else:
                self._swap(found)
        except Exception:  # noqa: BLE001 - the thread's outermost handler
            self._current = None
            _LOG.exception("challenger_look_up_failed")
        finally:
            self._checked_at = self._clock()

    def _swap(self, found: ServedModel) -> None:
        if self._loaded is None or self._loaded.served.predictor is not found.predictor:
            self._loaded = Challenger(found)
            _LOG.info("challenger_loaded", extra={"challenger_version": self._loaded.name})
        self._current, self._told = self._loaded, None

    def _sit_still(self, trouble: Trouble) -> None:
        """Run nothing; what is loaded is kept only while the registry cannot be asked."""
        self._current = None
        if trouble.refused or trouble.is_unpromoted:
            self._loaded = None
        if self._told != trouble.error:
            self._told = trouble.error
            _LOG.info("no_challenger", extra={"reason": trouble.error})


def _seconds_per_row(predictor: Predictor) -> float:
    """Return the time of one row of a batch, the better of two runs."""
    runs = []
    for _ in range(2):
        started = time.perf_counter()
        predictor.predict_columns(_TIMED_ROWS)
        runs.append(time.perf_counter() - started)
    return min(runs) / len(_TIMED_ROWS)
