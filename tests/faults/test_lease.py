"""A lease is taken, kept and released, whatever the network does to one call."""

import threading
from typing import Any

import pytest

from fakes.network_faults import ONCE
from faults.conftest import Prove
from faults.proving import Meeting
from faults.surroundings import READ_SECONDS, Surroundings
from housing.alerts import folded
from housing.errors import ObjectError
from housing.s3.lease import Lease

KEY = "jobs/lease"
SECONDS = 4 * READ_SECONDS
"""A lease is renewed after a quarter of it; one renewal may wait in vain, and be done again."""


class KeptLease:
    """A lease that another had, held until it was renewed twice."""

    may_raise: tuple[type[Exception], ...] = (ObjectError,)
    calls_while_held = 4
    """Read, taken, renewed twice."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        another = Lease(around.s3, around.bucket, KEY, holder="another", seconds=60)
        with another.held(wait_seconds=0, on_wait=lambda _: None):
            pass

    def act(self) -> None:
        around = self._around
        s3 = around.faulty_s3(folded._BOUNDED)
        lease = Lease(s3, around.bucket, KEY, holder="job 1", seconds=SECONDS)
        with lease.held(wait_seconds=0, on_wait=lambda _: None):
            around.endpoints.proxy.await_calls(self.calls_while_held, seconds=2 * SECONDS)
            lease.check()

    def check(self, _meeting: Meeting) -> None:
        assert self._around.is_free(KEY)
        assert "lease" not in {thread.name for thread in threading.enumerate()}


class NewLease(KeptLease):
    """A lease that nobody ever had, held for a moment."""

    calls_while_held = 2

    def __init__(self, around: Surroundings) -> None:
        self._around = around


@pytest.mark.parametrize("fault", ONCE)
@pytest.mark.parametrize("protocol", [NewLease, KeptLease])
def test_a_lease_is_held_for_the_block_and_no_longer(
    proved: Prove, protocol: Any, fault: str
) -> None:
    proved(protocol, fault)
