"""Faults of the network now and then."""

import random
import time

from fakes.faulty_proxy import REGISTRY, Call, Fault
from fakes.network_faults import ONCE, conflict, late, precondition_failed

_OF_A_CONDITION = (conflict, precondition_failed)


class RandomFaults:
    """Chooses a fault for a share of the calls, by a seed, and no two within a moment.

    A registry is never late: it is not asked again then, and the job fails, as it should.
    """

    def __init__(self, seed: int, *, share: float, pause_seconds: float) -> None:
        self._choice = random.Random(seed)
        self._share = share
        self._pause_seconds = pause_seconds
        self._next = time.monotonic()

    def __call__(self, call: Call) -> Fault | None:
        """Return the fault of a call, or None."""
        is_drawn = self._choice.random() < self._share
        fault = self._choice.choice(list(ONCE.values()))
        if not is_drawn or time.monotonic() < self._next:
            return None
        if fault in _OF_A_CONDITION and not call.is_conditional:
            return None
        if fault is late and call.service == REGISTRY:
            return None
        self._next = time.monotonic() + self._pause_seconds
        return fault
