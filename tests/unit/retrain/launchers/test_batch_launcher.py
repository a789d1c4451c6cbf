"""Jobs on AWS Batch."""

from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from retrain.errors import LaunchError
from retrain.launcher import Job, JobLauncher
from retrain.launchers.batch import BatchJobLauncher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_batch import BatchClient

JOB = Job(bucket="housing-test", key="new_data/a b#c.csv", version_id="v1")


@pytest.fixture
def batch() -> "Iterator[BatchClient]":
    """Return a Batch client with a queue and a definition, whose jobs end at once."""
    with mock_aws(config={"batch": {"use_docker": False}}):
        client = boto3.client("batch", region_name="us-east-1")
        environment = client.create_compute_environment(
            computeEnvironmentName="fargate", type="UNMANAGED", serviceRole=_role()
        )
        client.create_job_queue(
            jobQueueName="training",
            state="ENABLED",
            priority=1,
            computeEnvironmentOrder=[
                {"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}
            ],
        )
        client.register_job_definition(
            jobDefinitionName="training",
            type="container",
            containerProperties={"image": "training", "vcpus": 2, "memory": 4096},
        )
        yield client


def _role() -> str:
    iam = boto3.client("iam", region_name="us-east-1")
    made = iam.create_role(RoleName="service", AssumeRolePolicyDocument="{}")
    return str(made["Role"]["Arn"])


def test_a_job_is_submitted_with_its_arguments_and_tags(batch: "BatchClient") -> None:
    BatchJobLauncher(batch, queue="training", definition="training").launch(JOB)

    listed = [
        entry
        for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED")
        for entry in batch.list_jobs(jobQueue="training", jobStatus=status)["jobSummaryList"]
    ]
    (job,) = batch.describe_jobs(jobs=[listed[0]["jobId"]])["jobs"]
    assert job["jobName"] == f"retrain-{JOB.job_id}"
    assert job["container"]["command"] == JOB.arguments()
    assert job["tags"] == {"job-id": JOB.job_id, "upload-key": "new_data/a b_c.csv"}


def test_a_queue_that_is_missing_is_a_failed_launch(batch: "BatchClient") -> None:
    launcher = BatchJobLauncher(batch, queue="nowhere", definition="training")

    with pytest.raises(LaunchError, match="nowhere"):
        launcher.launch(JOB)


def test_which_jobs_wait_in_the_queue_is_not_asked(batch: "BatchClient") -> None:
    launcher: JobLauncher = BatchJobLauncher(batch, queue="training", definition="training")

    assert launcher.attend() is None
