"""The ledger of alias changes."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from housing.errors import LedgerError
from housing.registry.ledger import AliasChange, Entry, Ledger

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


@pytest.fixture
def ledger(s3: "S3Client") -> Ledger:
    return Ledger(s3, BUCKET)


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


def test_of_two_who_write_the_same_entry_one_is_refused(
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

    found = ledger.last_of("challenger")
    assert found == Entry(1, change("challenger", why="challenger moved"), is_done=True)
    assert ledger.last_of("previous") == Entry(
        unfinished, change("previous", why="not yet"), is_done=False
    )
    assert ledger.last_of("unheard-of") is None
