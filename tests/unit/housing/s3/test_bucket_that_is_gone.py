"""Only what was expected of the object store is handled; any other refusal is handed on."""

from typing import TYPE_CHECKING

import pytest

from fakes.alerts import FakeAlerts
from fakes.jobs import MOMENT, job_status
from housing.alerts.alert import Alert, AlertEvent
from housing.alerts.folded import FoldedAlerts
from housing.errors import ObjectError
from housing.jobs.status import JobStore
from housing.registry.ledger import AliasChange, Ledger
from housing.s3.lease import Lease

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GONE = "no-such-bucket"
CHANGE = AliasChange(
    who="a test",
    when=MOMENT,
    model="california-housing",
    alias="production",
    from_version="1",
    to_version="2",
    why="better",
)


def test_a_job_that_cannot_be_read_is_not_taken_for_one_that_is_not_there(s3: "S3Client") -> None:
    with pytest.raises(ObjectError, match="NoSuchBucket"):
        JobStore(s3, GONE).load("job-1")


def test_a_job_that_cannot_be_written_is_not_taken_for_one_that_is_known(s3: "S3Client") -> None:
    with pytest.raises(ObjectError, match="NoSuchBucket"):
        JobStore(s3, GONE).create(job_status())


def test_a_lease_that_cannot_be_written_is_not_taken_for_another_s(s3: "S3Client") -> None:
    lease = Lease(s3, GONE, "lease.json", holder="a test", seconds=60)

    with (
        pytest.raises(ObjectError, match="NoSuchBucket"),
        lease.held(wait_seconds=0, on_wait=lambda _: None),
    ):
        pytest.fail("held")


def test_a_ledger_that_cannot_be_read_says_so(s3: "S3Client") -> None:
    with pytest.raises(ObjectError, match="ledger/ cannot be listed"):
        Ledger(s3, GONE).record(CHANGE)


def test_an_alert_whose_repeats_cannot_be_counted_is_sent(
    s3: "S3Client", caplog: pytest.LogCaptureFixture
) -> None:
    inner = FakeAlerts()
    alert = Alert(AlertEvent.TRAINING_FAILED, subject="s", reason="r", next_step="n")

    assert FoldedAlerts(inner, s3, GONE).send(alert)
    assert inner.sent == [alert]
    assert "alert_not_folded" in caplog.text
