"""What changes aliases and tells of refusals, put together from the settings."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from fakes.model_store import FakeModelStore
from housing.registry.port import ModelVersion, Tag
from predict.aws_composition import model_changes, refusals
from predict.errors import StoreUnavailableError
from predict.settings import PredictSettings

BUCKET = "housing-test"
VERSION = ModelVersion(
    "california-housing",
    "8",
    run_id="r",
    created_at=datetime(2026, 11, 1, tzinfo=UTC),
    tags={Tag.SHA256: "a" * 64},
)


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield


@pytest.fixture
def heard() -> tuple[str, Any]:
    """A topic, and what hears all that is said there."""
    topic = boto3.client("sns").create_topic(Name="alerts")["TopicArn"]
    queue = boto3.client("sqs").create_queue(QueueName="heard")["QueueUrl"]
    asked = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn = asked["Attributes"]["QueueArn"]
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def messages() -> list[str]:
        received = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        return [json.loads(one["Body"])["Message"] for one in received.get("Messages", [])]

    return topic, messages


def test_without_a_bucket_nothing_is_changed(
    settings: PredictSettings, models: FakeModelStore
) -> None:
    with pytest.raises(StoreUnavailableError, match="HOUSING_BUCKET is not set"):
        model_changes(settings, models.recheck)


def test_changes_are_written_into_the_ledger_of_the_bucket(
    settings: PredictSettings, models: FakeModelStore
) -> None:
    changes = model_changes(settings.model_copy(update={"bucket": BUCKET}), models.recheck)

    assert changes.newest(5) == []


def test_with_a_topic_a_refusal_is_published(
    settings: PredictSettings, heard: tuple[str, Any]
) -> None:
    topic, messages = heard
    known = {"bucket": BUCKET, "alert_topic_arn": topic}

    refusals(settings.model_copy(update=known))(VERSION, "its digest is wrong", "7")

    (message,) = messages()
    assert "its digest is wrong; version 7 stays in use" in message


def test_without_a_topic_a_refusal_is_logged(
    settings: PredictSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    refusals(settings.model_copy(update={"bucket": BUCKET}))(VERSION, "its digest is wrong", "7")

    assert any("its digest is wrong" in str(vars(record)) for record in caplog.records)
