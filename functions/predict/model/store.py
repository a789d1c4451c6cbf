"""The model store: follows the registry's alias, and keeps the loaded version if that fails.

A new version is swapped in by one assignment of an immutable value, so a request sees the old
version or the new one.
"""

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from housing.registry.last_promoted import LastPromotedModel
from housing.registry.port import ModelRegistry, ModelVersion
from predict.background import BackgroundCall, Deadline, Workers
from predict.errors import ModelUnavailableError
from predict.model.alias import TOO_SLOW, AliasFailure, AliasFollower, PromotedCopy
from predict.model.loading import ModelFiles, ServedModel

RefusalAlert = Callable[[ModelVersion, str, str | None], bool]
"""Alerts on a refused version, with the reason and the version that is still served.

Returns whether the alert is sent; it is called again if not."""
_LOG = logging.getLogger(__name__)
_RETRY_WITHOUT_REGISTRY = timedelta(seconds=5)
"""Period of look-ups while no version of the registry is loaded: nothing is served then, or a copy
that may not be the alias's version."""


class ModelStore(Protocol):
    """Port: hands out the model to serve."""

    def is_due(self) -> bool:
        """Whether ``current`` would call the registry, and so may wait."""
        ...

    def recheck(self) -> None:
        """Let the next request call the registry."""
        ...

    def current(self) -> ServedModel:
        """Return the model to serve now.

        Raises:
            ModelUnavailableError: No model is loaded yet.
        """
        ...


class RegistryModelStore:
    """The ``ModelStore`` of one alias in a registry.

    A look-up runs in a thread, and the request that started it waits up to the budget: bounds of
    single calls do not bound a whole look-up (name resolution and slow headers have none). The
    request waits even if another version is loaded: Lambda runs threads only during requests, so a
    look-up in the background might take minutes and return an old answer. A late result is dropped;
    a downloaded file stays on disk for the next look-up.

    ::

        nothing loaded --look-up ends--> alias's version --look-up fails--> the same, stale
              |                              ^     ^                              |
              | look-up fails                |     +------ look-up ends ----------+
              v                              |
        the bucket's copy, stale ------------+
    """

    def __init__(  # noqa: PLR0913 - each is a part or a bound, given by name
        self,
        registry: ModelRegistry,
        files: ModelFiles,
        *,
        alias: str,
        ttl: timedelta,
        last_promoted: LastPromotedModel | None = None,
        budget: timedelta = timedelta(seconds=2),
        alert_refusal: RefusalAlert | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Set what to follow; the first request looks the alias up.

        Args:
            registry: Where the alias is looked up.
            files: Keeps model files on disk.
            alias: The alias to follow.
            ttl: Time for which a look-up holds, from its end.
            last_promoted: Fallback if nothing is loaded and the look-up fails; gets half the budget
                if the registry does not answer.
            budget: Longest wait of a request for a whole look-up, in real time.
            alert_refusal: Called in a thread for each version that fails a check: at each look-up,
                until it returns True.
            clock: Returns the time; the wall clock, because others stop while Lambda freezes.
        """
        self._follower = AliasFollower(registry, files, alias, clock)
        self._copy = PromotedCopy(last_promoted, files, clock) if last_promoted else None
        self._ttl = ttl
        self._budget_seconds = budget.total_seconds()
        self._clock = clock
        self._lock = threading.Lock()
        self._workers = Workers()
        self._checked_at: datetime | None = None
        self._served: ServedModel | None = None
        self._serves_copy = False
        self._failure: AliasFailure | None = None
        self._alert_refusal = alert_refusal
        self._alerted: tuple[str, str | None] | None = None
        self._alerting: tuple[tuple[str, str | None], BackgroundCall[bool]] | None = None

    def is_due(self) -> bool:
        """Whether the last look-up is older than the TTL, or the clock was set back."""
        if self._checked_at is None:
            return True
        elapsed = self._clock() - self._checked_at
        return not timedelta(0) <= elapsed < self._period()

    def recheck(self) -> None:
        """Let the next request look the alias up."""
        self._checked_at = None

    def current(self) -> ServedModel:
        """Return the model; one thread looks the alias up, the others use the loaded model.

        Raises:
            ModelUnavailableError: No model is loaded yet.
        """
        if self.is_due():
            self._look_up(Deadline(self._budget_seconds))
        if self._served is None:
            reason = self._failure.reason if self._failure else "the model is still being loaded"
            retry_after_seconds = max(1, math.ceil(self._period().total_seconds()))
            raise ModelUnavailableError(reason, retry_after_seconds=retry_after_seconds)
        return self._served

    def _look_up(self, deadline: Deadline) -> None:
        """Look the alias up, in one thread at a time; without a model the others wait."""
        if not self._lock.acquire(timeout=0 if self._served else deadline.remaining_seconds()):
            return
        try:
            if self.is_due():
                self._follow(deadline)
        finally:
            self._lock.release()

    def _period(self) -> timedelta:
        if self._served and not self._serves_copy:
            return self._ttl
        return min(self._ttl, _RETRY_WITHOUT_REGISTRY)

    def _follow(self, deadline: Deadline) -> None:
        served = self._served
        call = self._workers.start(lambda: self._follower.follow(served))
        try:
            share = 0.5 if self._copy and not served else 1.0  # the copy needs time to load
            seconds = deadline.remaining_seconds() * share
            result = (call.result(seconds) if call else None) or TOO_SLOW
            if isinstance(result, ServedModel):
                self._swap(result)
                return
            self._mark_stale(result)
            if self._copy and not served and not result.is_unpromoted:
                self._fall_back(self._copy, call, deadline)
            if result.refused:
                self._alert(result.refused, result.reason, deadline)
        finally:
            self._checked_at = self._clock()

    def _fall_back(
        self,
        copy: PromotedCopy,
        look_up: BackgroundCall[ServedModel | AliasFailure] | None,
        deadline: Deadline,
    ) -> None:
        """Serve the copy, unless the look-up ends in the meantime."""
        loading = self._workers.start(copy.load)
        loaded = loading.result(deadline.remaining_seconds()) if loading else None
        late = look_up.result(0) if look_up else None
        if isinstance(late, ServedModel):
            self._swap(late)
        elif loaded and self._failure:
            self._served = replace(loaded, stale=True, reason=self._failure.reason)
            self._serves_copy = True
            _LOG.warning("model_copy_served", extra={"model_version": loaded.version.version})

    def _alert(self, refused: ModelVersion, why: str, deadline: Deadline) -> None:
        """Send the alert and wait: Lambda stops threads between requests.

        A stopped thread goes on with the next request, which waits for it again.
        """
        if self._alert_refusal is None or self._alerted == refused.identity:
            return
        if self._alerting is None or self._alerting[0] != refused.identity:
            serving = self._served.version.version if self._served else None
            call = self._workers.start(lambda: self._has_alerted(refused, why, serving))
            if call is None:
                return
            self._alerting = refused.identity, call
        is_sent = self._alerting[1].result(deadline.remaining_seconds())
        if is_sent:
            self._alerted = refused.identity
        if is_sent is not None:
            self._alerting = None

    def _has_alerted(self, refused: ModelVersion, why: str, serving: str | None) -> bool:
        try:
            return bool(self._alert_refusal and self._alert_refusal(refused, why, serving))
        except Exception:  # noqa: BLE001 - the thread's outermost handler
            _LOG.exception("refusal_not_alerted")
            return False

    def _swap(self, served: ServedModel) -> None:
        if not self._served or served.predictor is not self._served.predictor:
            _LOG.info("model_loaded", extra={"model_version": served.version.version})
        self._served, self._serves_copy, self._failure = served, False, None

    def _mark_stale(self, failure: AliasFailure) -> None:
        if self._served:
            self._served = replace(self._served, stale=True, reason=failure.reason)
        if not self._failure or self._failure.reason != failure.reason:
            _LOG.warning(failure.event, extra={"reason": failure.reason, "error": failure.error})
        self._failure = failure
