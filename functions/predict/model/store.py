"""Follows the registry's alias: a new version is checked, then swapped in; trouble keeps the old.

The swap is one assignment of an immutable value, so a request sees the old version or the new one.
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
from predict.model.alias import TOO_SLOW, AliasFollower, PromotedCopy, Trouble
from predict.model.loading import ModelFiles, ServedModel

Refusal = Callable[[ModelVersion, str, str | None], bool]
"""Alerts on a refused version, with the reason and the version that goes on being served; returns
whether the alert is sent, and is called again where it is not."""
_LOG = logging.getLogger(__name__)
_RETRY_WITHOUT_REGISTRY = timedelta(seconds=5)
"""With nothing from the registry to serve a look-up is repeated sooner: what is served instead is
nothing at all, or a copy that may not be what the alias names."""


class ModelStore(Protocol):
    """Hands out the model to serve."""

    def is_due(self) -> bool:
        """Whether ``current`` would ask the registry, and so may wait."""
        ...

    def recheck(self) -> None:
        """Forget when the registry was last asked: the next request asks."""
        ...

    def current(self) -> ServedModel:
        """Return the model to serve now.

        Raises:
            ModelUnavailableError: There is none yet.
        """
        ...


class RegistryModelStore:
    """The ``ModelStore`` of one alias in a registry.

    A look-up runs in a thread, and the request that started it waits for it up to the budget: no
    bound on single calls can hold a whole look-up (name resolution and headers that trickle in know
    none). The request does wait, although another version is loaded: Lambda runs threads only while
    a request is answered, so a look-up that nobody waits for might take minutes and then be old.
    What comes too late is dropped; a file that it downloaded stays on disk for the next look-up.
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
        tell_refusal: Refusal | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Remember what to follow; nothing is asked yet.

        Args:
            registry: Where the alias is looked up.
            files: Where model files are kept.
            alias: The alias to follow.
            ttl: How long a look-up holds, counted from its end.
            last_promoted: Where to turn when nothing is loaded and the alias cannot be followed;
                given half the budget if the registry is silent.
            budget: The longest a request waits for a whole look-up, in real time.
            tell_refusal: Called, in a thread, for each version that fails a check: at each look-up,
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
        self._trouble: Trouble | None = None
        self._tell_refusal = tell_refusal
        self._alerted: tuple[str, str | None] | None = None
        self._alerting: tuple[tuple[str, str | None], BackgroundCall[bool]] | None = None

    def is_due(self) -> bool:
        """See ``ModelStore.is_due``; a clock that was set back makes it due as well."""
        if self._checked_at is None:
            return True
        elapsed = self._clock() - self._checked_at
        return not timedelta(0) <= elapsed < self._period()

    def recheck(self) -> None:
        """See ``ModelStore.recheck``."""
        self._checked_at = None

    def current(self) -> ServedModel:
        """See ``ModelStore.current``; only one thread asks, the others serve what is loaded."""
        if self.is_due():
            self._ask(Deadline(self._budget_seconds))
        if self._served is None:
            reason = self._trouble.reason if self._trouble else "the model is still being loaded"
            retry_after_seconds = max(1, math.ceil(self._period().total_seconds()))
            raise ModelUnavailableError(reason, retry_after_seconds=retry_after_seconds)
        return self._served

    def _ask(self, deadline: Deadline) -> None:
        """Look the alias up in one thread; without a model the others wait for it."""
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
        asking = self._workers.start(lambda: self._follower.follow(served))
        try:
            share = 0.5 if self._copy and not served else 1.0  # the copy needs time to load, too
            seconds = deadline.remaining_seconds() * share
            found = (asking.result(seconds) if asking else None) or TOO_SLOW
            if isinstance(found, ServedModel):
                self._swap(found)
                return
            self._stay(found)
            if self._copy and not served and not found.is_unpromoted:
                self._fall_back(self._copy, asking, deadline)
            if found.refused:
                self._alert(found.refused, found.reason, deadline)
        finally:
            self._checked_at = self._clock()

    def _fall_back(
        self,
        copy: PromotedCopy,
        asking: BackgroundCall[ServedModel | Trouble] | None,
        deadline: Deadline,
    ) -> None:
        """Serve the copy, unless the registry's answer is there by then after all."""
        loading = self._workers.start(copy.load)
        loaded = loading.result(deadline.remaining_seconds()) if loading else None
        late = asking.result(0) if asking else None
        if isinstance(late, ServedModel):
            self._swap(late)
        elif loaded and self._trouble:
            self._served = replace(loaded, stale=True, reason=self._trouble.reason)
            self._serves_copy = True
            _LOG.warning("model_copy_served", extra={"model_version": loaded.version.version})

    def _alert(self, refused: ModelVersion, why: str, deadline: Deadline) -> None:
        """Send the alert, and wait for it: Lambda stops a thread that outlives its request.

        A thread that was stopped goes on with the next request, and is waited for again.
        """
        if self._tell_refusal is None or self._alerted == refused.identity:
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
            return bool(self._tell_refusal and self._tell_refusal(refused, why, serving))
        except Exception:  # noqa: BLE001 - the thread's outermost handler
            _LOG.exception("refusal_not_alerted")
            return False

    def _swap(self, found: ServedModel) -> None:
        if not self._served or found.predictor is not self._served.predictor:
            _LOG.info("model_loaded", extra={"model_version": found.version.version})
        self._served, self._serves_copy, self._trouble = found, False, None

    def _stay(self, trouble: Trouble) -> None:
        if self._served:
            self._served = replace(self._served, stale=True, reason=trouble.reason)
        if not self._trouble or self._trouble.reason != trouble.reason:
            _LOG.warning(trouble.event, extra={"reason": trouble.reason, "error": trouble.error})
        self._trouble = trouble
