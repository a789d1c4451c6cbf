"""A refused version is alerted on once, whichever process finds it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from fakes.alerts import FakeAlerts
from housing.registry.port import ModelVersion, Tag
from predict.model.refusals import AlertedRefusals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> "Iterator[S3Client]":
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield boto3.client("s3", region_name="us-east-1")


def version(number: str, sha256: str) -> ModelVersion:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    return ModelVersion("housing", number, run_id="r", created_at=now, tags={Tag.SHA256: sha256})


def test_it_says_what_is_refused_why_and_what_to_do(s3: "S3Client") -> None:
    s3.create_bucket(Bucket=BUCKET)
    alerts = FakeAlerts()

    AlertedRefusals(s3, BUCKET, alerts)(version("8", "a" * 64), "its digest is wrong", "7")

    [alert] = alerts.sent
    assert (alert.event, alert.subject) == ("refused", "housing: version 8 is refused")
    assert alert.reason == "its digest is wrong; version 7 goes on being served"
    assert "housing rollback" in alert.next_step


def test_processes_alert_once_for_each_version_and_digest(s3: "S3Client") -> None:
    s3.create_bucket(Bucket=BUCKET)
    alerts = FakeAlerts()
    for _ in range(3):
        tell = AlertedRefusals(s3, BUCKET, alerts)
        tell(version("8", "a" * 64), "why", "7")
        tell(version("8", "b" * 64), "why", "7")
        tell(version("9", ""), "why", None)

    assert [alert.facts["version"] for alert in alerts.sent] == ["8", "8", "9"]
    assert alerts.sent[-1].reason.endswith("no model is served")


@pytest.mark.parametrize("bucket", [None, "no-such-bucket"])
def test_a_bucket_that_cannot_tell_keeps_no_alert_back(s3: "S3Client", bucket: str | None) -> None:
    alerts = FakeAlerts()

    AlertedRefusals(s3, bucket, alerts)(version("8", "a" * 64), "why", "7")

    assert len(alerts.sent) == 1
