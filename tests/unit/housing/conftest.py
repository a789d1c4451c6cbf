"""The shared package on AWS in memory."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient

BUCKET = "housing-test"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


@pytest.fixture
def s3(aws: None, s3_client: "S3Client") -> "S3Client":  # noqa: ARG001 - needs the mock
    s3_client.create_bucket(Bucket=BUCKET)
    return s3_client


@pytest.fixture
def sns(aws: None) -> "SNSClient":  # noqa: ARG001 - needs the mock
    return boto3.client("sns", region_name="us-east-1")
