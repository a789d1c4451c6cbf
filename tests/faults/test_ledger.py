"""An entry of the ledger and its mark, whatever the network does to one call."""

from datetime import UTC, datetime

import pytest

from fakes.network_faults import ONCE
from faults.conftest import Prove
from faults.proving import Meeting
from faults.surroundings import Surroundings
from housing.alerts import folded
from housing.errors import LedgerError, ObjectError
from housing.registry.ledger import AliasChange, Ledger
from housing.registry.port import PRODUCTION

CHANGE = AliasChange(
    who="job 1",
    when=datetime(2026, 11, 30, tzinfo=UTC),
    model="housing",
    alias=PRODUCTION,
    from_version="1",
    to_version="2",
    why="better",
)


class LedgerEntry:
    """An entry after another, and its mark."""

    may_raise: tuple[type[Exception], ...] = (ObjectError, LedgerError)

    def __init__(self, around: Surroundings) -> None:
        earlier = Ledger(around.s3, around.bucket)
        earlier.mark_done(earlier.record(CHANGE), PRODUCTION)
        self._around = around
        self._ledger = Ledger(around.faulty_s3(folded._BOUNDED), around.bucket)

    def act(self) -> None:
        self._ledger.mark_done(self._ledger.record(CHANGE), PRODUCTION)

    def check(self, _meeting: Meeting) -> None:
        assert len(self._around.ledger()) == 2
        assert self._around.undone() == []


@pytest.mark.parametrize("fault", ONCE)
def test_an_entry_is_written_once_and_marked(proved: Prove, fault: str) -> None:
    proved(LedgerEntry, fault)
