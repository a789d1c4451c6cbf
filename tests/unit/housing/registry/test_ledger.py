"""The ledger of alias changes and decisions."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from fakes.faulty_s3 import PASSING, Fault, FaultyS3
from housing.errors import LedgerError, ObjectError
from housing.registry.ledger import AliasChange, Decision, Entry, Ledger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
CHANGE = AliasChange(
    who="training job 1",
    when=datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC),
    model="california-housing",
    alias="production",
    from_version="1",
    to_version="2",
    why="better",
    evidence={"challenger_rmse": 0.4, "champion_rmse": None},
)


def test_an_entry_comes_back_as_it_was_recorded(ledger: Ledger, s3: "S3Client") -> None:
    assert ledger.record(CHANGE) == 1

    assert ledger.newest(5) == [CHANGE]
    body = s3.get_object(Bucket=BUCKET, Key="ledger/00000001.json")["Body"].read()
    assert AliasChange.model_validate_json(body) == CHANGE


def change(alias: str = "production", why: str = "better") -> AliasChange:
    return CHANGE.model_copy(update={"alias": alias, "why": why})


def test_the_newest_come_first(ledger: Ledger) -> None:
    for number in range(12):
        ledger.record(change(why=str(number)))

    assert [one.why for one in ledger.newest(3)] == ["11", "10", "9"]


def test_of_two_writers_of_an_entry_one_is_refused(
    ledger: Ledger, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    put = s3.put_object

    def after_another(**given: Any) -> Any:
        monkeypatch.undo()
        ledger.record(change(why="the other"))
        return put(**given)

    monkeypatch.setattr(s3, "put_object", after_another)

    with pytest.raises(LedgerError, match="entry 1"):
        ledger.record(change(why="this one"))

    assert [one.why for one in ledger.newest(5)] == ["the other"]


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_an_entry_that_met_itself_is_ones_own(
    ledger: Ledger, faulty: FaultyS3, fault: Fault
) -> None:
    network: Any = faulty

    faulty.fail("put_object", fault)
    number = Ledger(network, BUCKET).record(CHANGE)
    faulty.fail("put_object", fault)
    Ledger(network, BUCKET).mark_done(number, CHANGE.alias)

    assert faulty.has_failed()
    assert ledger.last_of(CHANGE.alias) == Entry(1, CHANGE, is_done=True)
    assert ledger.newest(5) == [CHANGE]


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_an_entry_of_another_stays_another_s(
    ledger: Ledger, faulty: FaultyS3, fault: Fault
) -> None:
    network: Any = faulty

    def after_another(call: Callable[[], Any]) -> Any:
        ledger.record(change(why="the other"))
        return fault(call)

    faulty.fail("put_object", after_another)
    with pytest.raises(LedgerError, match="entry 1"):
        Ledger(network, BUCKET).record(CHANGE)

    assert [one.why for one in ledger.newest(5)] == ["the other"]


def test_an_entry_that_was_removed_is_an_error(
    ledger: Ledger, faulty: FaultyS3, s3: "S3Client"
) -> None:
    network: Any = faulty
    ledger.record(CHANGE)

    def after_a_removal(call: Callable[[], Any]) -> Any:
        s3.delete_object(Bucket=BUCKET, Key="ledger/00000001.json")
        return call()

    faulty.fail("get_object", after_a_removal)
    with pytest.raises(ObjectError, match="entry 1"):
        Ledger(network, BUCKET).newest(1)


def test_an_entry_is_done_once_it_is_marked(ledger: Ledger) -> None:
    number = ledger.record(change())
    assert ledger.last_of("production") == Entry(number, change(), is_done=False)

    ledger.mark_done(number, "production")
    ledger.mark_done(number, "production")

    assert ledger.last_of("production") == Entry(number, change(), is_done=True)


def test_the_last_entry_of_an_alias_is_found_among_others(ledger: Ledger) -> None:
    for alias in ("challenger", "production", "previous", "production"):
        number = ledger.record(change(alias, why=f"{alias} moved"))
        ledger.mark_done(number, alias)
    unfinished = ledger.record(change("previous", why="not yet"))

    entry = ledger.last_of("challenger")
    assert entry == Entry(1, change("challenger", why="challenger moved"), is_done=True)
    assert ledger.last_of("previous") == Entry(
        unfinished, change("previous", why="not yet"), is_done=False
    )
    assert ledger.last_of("unheard-of") is None


STOP = Decision(
    kind="promotion_stopped", who="anna", when=datetime(2026, 11, 30, tzinfo=UTC), why="odd"
)


def test_an_entry_of_before_there_were_kinds_is_a_move_of_an_alias(
    ledger: Ledger, s3: "S3Client"
) -> None:
    body = CHANGE.model_dump_json(exclude={"kind"}).encode()
    s3.put_object(Bucket=BUCKET, Key="ledger/00000001.json", Body=body)

    assert ledger.newest(5) == [CHANGE]
    assert ledger.last_of("production") == Entry(1, CHANGE, is_done=False)


@pytest.mark.parametrize("is_done", [True, False])
def test_a_decision_stands_among_the_moves_and_is_none_of_them(
    ledger: Ledger, *, is_done: bool
) -> None:
    ledger.mark_done(ledger.record(change()), "production")
    number = ledger.record(STOP)
    if is_done:
        ledger.mark_done(number, STOP.subject)

    assert ledger.newest(5) == [STOP, change()]
    assert ledger.last_of("production") == Entry(1, change(), is_done=True)
    assert ledger.last_of("previous") is None


def test_only_what_is_unfinished_is_finished_oldest_first(ledger: Ledger) -> None:
    excluded = Decision(
        kind="data_excluded", who="ben", when=STOP.when, why="odd", part="0a1b", job_id="job-1"
    )
    done: list[Decision] = []
    ledger.decide(STOP, done.append)
    ledger.record(change())  # a move that did not get through is not a decision's business
    ledger.record(excluded)
    ledger.record(STOP)
    assert done == [STOP]

    for _ in range(2):
        ledger.finish_decisions({"data": done.append, "promotion": done.append})

    assert done == [STOP, excluded, STOP]
