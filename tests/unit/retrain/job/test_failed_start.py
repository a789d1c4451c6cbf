"""Alerts on jobs that fail before their context is built."""

from typing import TYPE_CHECKING

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from fakes.jobs import job_status
from housing.alerts.alert import LoggedAlerts
from housing.alerts.folded import alerts_to
from housing.jobs.status import JobStore, State
from retrain.training.job.failed_start import record_failed_start

if TYPE_CHECKING:
    import pytest
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"


def test_without_a_topic_they_go_to_the_log(s3: "S3Client") -> None:
    assert isinstance(alerts_to(None, s3, BUCKET), LoggedAlerts)


def test_jobs_that_end_early_for_the_same_reason_are_one_message(
    s3: "S3Client", jobs: JobStore, monkeypatch: "pytest.MonkeyPatch"
) -> None:
    topic = boto3.client("sns").create_topic(Name="alerts")["TopicArn"]
    monkeypatch.setenv("HOUSING_ALERT_TOPIC_ARN", topic)

    for name in ("00aa11bb22cc33dd", "dd33cc22bb11aa00"):
        jobs.create(job_status(name))
        record_failed_start(
            bucket=BUCKET, key="k", job_id=name, reason="no settings", next_step="set them"
        )

    sent = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics[topic].sent_notifications
    assert jobs.load("dd33cc22bb11aa00").state == State.FAILED
    assert [subject for _, _, subject, _, _ in sent] == [
        "california-housing: a training job failed"
    ]
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="alerts/")["KeyCount"] == 1
