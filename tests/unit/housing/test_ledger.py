"""The ledger of alias changes."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from housing.errors import LedgerError
from housing.ledger import AliasChange, Ledger

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
    key = ledger.record(CHANGE)

    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert AliasChange.model_validate_json(body) == CHANGE


def test_keys_sort_by_time(ledger: Ledger) -> None:
    times = [CHANGE.when + timedelta(microseconds=1_000 * n) for n in range(12)]

    keys = [ledger.record(CHANGE.model_copy(update={"when": when})) for when in times]

    assert keys == sorted(keys)


def test_two_changes_of_the_same_moment_are_two_entries(ledger: Ledger) -> None:
    assert ledger.record(CHANGE) != ledger.record(CHANGE)


def test_an_entry_is_never_overwritten(
    ledger: Ledger, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=0))
    key = ledger.record(CHANGE)

    with pytest.raises(LedgerError, match=key):
        ledger.record(CHANGE.model_copy(update={"why": "another"}))

    assert b"another" not in s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
