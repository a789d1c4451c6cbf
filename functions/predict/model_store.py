"""Follows the registry's alias: a new version is checked, then swapped in; trouble keeps the old.

The swap is one assignment of an immutable value, so a request sees the old version or the new one.
"""

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from housing.errors import AliasNotFoundError, RegistryError, RegistryUnavailableError
from housing.registry import ModelRegistry, ModelVersion, Tag
from predict.errors import ModelRefusedError, ModelUnavailableError
from predict.model_files import ModelFiles
from predict.model_loading import load_predictor
from predict.served_model import ServedModel

_LOG = logging.getLogger(__name__)
_RETRY_WITHOUT_MODEL = timedelta(seconds=5)
"""With nothing to serve a look-up costs nobody an answer, so it is repeated sooner."""


def utc_now() -> datetime:
    """Return the time; the wall clock, because others stand still while Lambda freezes."""
    return datetime.now(UTC)


class RegistryModelStore:
    """The ``ModelStore`` of one alias in a registry."""

    def __init__(
        self,
        registry: ModelRegistry,
        files: ModelFiles,
        *,
        alias: str,
        ttl: timedelta,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Remember what to follow; nothing is asked yet.

        Args:
            registry: Where the alias is looked up; each call is bounded by the adapter.
            files: Where model files are kept.
            alias: The alias to follow.
            ttl: How long a look-up holds, counted from its end.
            clock: Tells the time.
        """
        self._registry = registry
        self._files = files
        self._alias = alias
        self._ttl = ttl
        self._clock = clock
        self._lock = threading.Lock()
        self._checked_at: datetime | None = None
        self._served: ServedModel | None = None
        self._trouble: str | None = None

    def is_due(self) -> bool:
        """See ``ModelStore.is_due``; a clock that was set back makes it due as well."""
        if self._checked_at is None:
            return True
        elapsed = self._clock() - self._checked_at
        return not timedelta(0) <= elapsed < self._period()

    def current(self) -> ServedModel:
        """See ``ModelStore.current``; only one thread asks, the others serve what is loaded."""
        if self.is_due() and self._lock.acquire(blocking=self._served is None):
            try:
                if self.is_due():
                    self._follow()
            finally:
                self._lock.release()
        if self._served is None:
            reason = self._trouble or "the model could not be loaded"
            retry_after_seconds = max(1, math.ceil(self._period().total_seconds()))
            raise ModelUnavailableError(reason, retry_after_seconds=retry_after_seconds)
        return self._served

    def _period(self) -> timedelta:
        return self._ttl if self._served else min(self._ttl, _RETRY_WITHOUT_MODEL)

    def _follow(self) -> None:
        version: ModelVersion | None = None
        try:
            version = self._registry.version_by_alias(self._alias)
            self._served = self._renewed(version)
        except (RegistryError, ModelRefusedError) as exc:
            self._stay(exc, version)
        else:
            self._trouble = None
        finally:
            self._checked_at = self._clock()

    def _renewed(self, version: ModelVersion) -> ServedModel:
        served = self._served
        if served and _identity(served.version) == _identity(version):
            return replace(served, version=version, stale=False, reason=None)
        predictor = load_predictor(self._registry, self._files, version)
        _LOG.info("model_loaded", extra={"model_version": version.version})
        return ServedModel(version, predictor, loaded_at=self._clock())

    def _stay(self, exc: RegistryError | ModelRefusedError, version: ModelVersion | None) -> None:
        reason = self._told(exc, version)
        if self._served:
            self._served = replace(self._served, stale=True, reason=reason)
        if reason != self._trouble:
            event = "model_refused" if version else "alias_not_followed"
            _LOG.warning(event, extra={"reason": reason, "error": str(exc)})
        self._trouble = reason

    def _told(self, exc: RegistryError | ModelRefusedError, version: ModelVersion | None) -> str:
        """Return the reason as clients may read it: without addresses."""
        if isinstance(exc, ModelRefusedError):
            return f"version {version.version if version else '?'} is refused: {exc}"
        if isinstance(exc, AliasNotFoundError):
            return (
                f"no version carries the alias {self._alias}"
                if self._served
                else "no model has been promoted yet; put a CSV under new_data/ in the bucket"
            )
        if isinstance(exc, RegistryUnavailableError):
            return "the model registry cannot be reached in time"
        if version:
            return f"the model file of version {version.version} cannot be had"
        return "the model registry's answer makes no sense"


def _identity(version: ModelVersion) -> tuple[str, str | None]:
    return version.version, version.tags.get(Tag.SHA256)
