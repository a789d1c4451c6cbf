"""The command line on a bucket in memory, away from the checkout and its settings."""

from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from fakes.command_line import CommandLine
from fakes.jobs import FakeTime
from fakes.registry import FakeModelRegistry
from housing.jobs.status import JobStore
from housing_cli.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "HOUSING_BUCKET": BUCKET,
    "HOUSING_API_URL": "http://api.test",
    "HOUSING_API_KEY": "key-1",
    "MLFLOW_TRACKING_URI": "http://registry.test",
    "HOUSING_PREDICT_LOG_GROUP": "/aws/lambda/housing-test-predict",
}
UNSET = ("AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_PROFILE", "HOUSING_MODEL_NAME")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Stand in an empty folder with exactly the settings above."""
    monkeypatch.chdir(tmp_path)
    for name in UNSET:
        monkeypatch.delenv(name, raising=False)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def s3() -> "Iterator[S3Client]":
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def jobs(s3: "S3Client") -> JobStore:
    return JobStore(s3, BUCKET)


@pytest.fixture
def registry() -> FakeModelRegistry:
    return FakeModelRegistry()


@pytest.fixture
def passing() -> FakeTime:
    return FakeTime()


@pytest.fixture
def services(registry: FakeModelRegistry, passing: FakeTime) -> Services:
    return Services(registry=registry, clock=passing)


@pytest.fixture
def housing(services: Services) -> CommandLine:
    return CommandLine(services)


@pytest.fixture
def csv(folder: Path) -> Path:
    path = folder / "more.csv"
    path.write_text("MedInc,MedHouseVal\n8.3,4.5\n", encoding="ascii")
    return path
