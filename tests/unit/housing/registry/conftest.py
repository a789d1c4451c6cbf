"""The registry over a ledger in memory."""

from typing import TYPE_CHECKING

import pytest

from housing.registry.ledger import Ledger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def ledger(s3: "S3Client") -> Ledger:
    return Ledger(s3, "housing-test")
