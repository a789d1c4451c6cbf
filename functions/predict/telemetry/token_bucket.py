"""Lets so many through a second, and short bursts of as many."""

from collections.abc import Callable


class TokenBucket:
    """A token bucket: filled at a rate, never beyond one second's worth (but at least one)."""

    def __init__(self, per_second: float, monotonic: Callable[[], float]) -> None:
        """Start full.

        Args:
            per_second: The rate; 0 lets nothing through.
            monotonic: Tells seconds.
        """
        self._per_second = per_second
        self._capacity = max(1.0, per_second) if per_second else 0.0
        self._monotonic = monotonic
        self._tokens = self._capacity
        self._filled_at = monotonic()

    def take(self, most: int) -> int:
        """Take tokens, as many as there are up to a number; return how many."""
        now = self._monotonic()
        filled = self._tokens + (now - self._filled_at) * self._per_second
        self._tokens = min(self._capacity, filled)
        self._filled_at = now
        taken = min(most, int(self._tokens))
        self._tokens -= taken
        return taken
