"""Changes by an admin, on a bucket in memory."""

from typing import TYPE_CHECKING

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
def s3(s3_client: "S3Client") -> "Iterator[S3Client]":
    with mock_aws():
        s3_client.create_bucket(Bucket=BUCKET)
        yield s3_client


@pytest.fixture
def live(registry: FakeModelRegistry, s3: "S3Client") -> LiveModel:
    return LiveModel(registry, Ledger(s3, BUCKET), s3, BUCKET)


@pytest.fixture
def alerts() -> FakeAlerts:
    return FakeAlerts()
