"""Cached state of automatic promotion for ``/health``, with a bounded wait."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from housing.errors import ObjectError
from predict.background import Workers

if TYPE_CHECKING:  # loaded by the first reading
    from housing.registry.automatic_promotion import AutomaticPromotion

_BUDGET_SECONDS = 1.0
_LOG = logging.getLogger(__name__)


class PromotionWatch:
    """The state of ``models/promotion.json``, cached; one thread reads it at a time."""

    def __init__(
        self,
        load: "Callable[[], AutomaticPromotion]",
        *,
        ttl: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Set how to read it; the first call reads.

        Args:
            load: Reads the state, or raises ``ObjectError``.
            ttl: Time for which a state holds.
            clock: Returns the time.
        """
        self._load = load
        self._ttl = ttl
        self._clock = clock
        self._workers = Workers()
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._known: AutomaticPromotion | None = None

    def recheck(self) -> None:
        """Let the next call read the state."""
        self._read_at = None

    def current(self) -> "AutomaticPromotion | None":
        """Return the last known state, or None if none could be read."""
        if self._is_due() and self._lock.acquire(blocking=False):
            try:
                self._read()
            finally:
                self._lock.release()
        return self._known

    def _is_due(self) -> bool:
        """Whether the state is older than its TTL, or the clock was set back."""
        if self._read_at is None:
            return True
        return not timedelta(0) <= self._clock() - self._read_at < self._ttl

    def _read(self) -> None:
        reading = self._workers.start(self._load)
        try:
            self._known = (reading.result(_BUDGET_SECONDS) if reading else None) or self._known
        except ObjectError as exc:
            _LOG.warning("promotion_state_not_read", extra={"error": str(exc)})
        finally:
            self._read_at = self._clock()
