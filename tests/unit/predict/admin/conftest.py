"""Changes by an admin, on a bucket in memory."""

from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from fakes.alerts import FakeAlerts
from fakes.registry import FakeModelRegistry
from housing.registry.ledger import Ledger
from housing.registry.live_model import LiveModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> "Iterator[S3Client]":
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def live(registry: FakeModelRegistry, s3: "S3Client") -> LiveModel:
    return LiveModel(registry, Ledger(s3, BUCKET), s3, BUCKET)


@pytest.fixture
def alerts() -> FakeAlerts:
    return FakeAlerts()
