"""Unit tests open no socket; a pair of Unix sockets, which asyncio makes for itself, is none."""

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
import pytest_socket

from fakes.faulty_s3 import FaultyS3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """Take back what a function's start does to the shared package's logger, for its process."""
    shared = logging.getLogger("housing")
    level, handlers, propagate = shared.level, list(shared.handlers), shared.propagate
    yield
    shared.setLevel(level)
    shared.handlers, shared.propagate = handlers, propagate


@pytest.fixture(scope="session")
def s3_client() -> "S3Client":
    """Return one client for all tests: its construction takes longer than most of them."""
    return boto3.client(
        "s3",
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        endpoint_url="https://s3.us-east-1.amazonaws.com",
    )


@pytest.fixture
def faulty(s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> FaultyS3:
    """Return the same S3 behind a network with faults; nothing pauses between two tries."""
    monkeypatch.setattr("housing.s3.documents._PAUSE_SECONDS", 0)
    monkeypatch.setattr("housing.s3.bodies._PAUSE_SECONDS", 0)
    return FaultyS3(s3)
