"""The retrain function and its job on a bucket in memory."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from fakes.alerts import FakeAlerts
from fakes.launcher import FakeJobLauncher
from fakes.registry import FakeModelRegistry
from fakes.run_tracker import FakeRunTracker
from fakes.tables import as_csv, housing_table
from housing.jobs.status import JobStore, Stage, State
from housing.s3.layout import HOLDOUT_KEY, NEW_DATA, job_id
from retrain.training.job.context import JobContext
from retrain.training.job.job import run
from retrain.training.job.progress import JobProgress
from retrain.training.settings import TrainingSettings
from retrain.training.upload.ingest import Upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
EVENTS = Path(__file__).parents[3] / "events"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing of the shell's own AWS and MLflow to the code under test."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "MLFLOW_", "HOUSING_")) and name != "HOUSING_DATA":
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def s3(s3_client: "S3Client") -> "Iterator[S3Client]":
    with mock_aws():
        s3_client.create_bucket(Bucket=BUCKET)
        s3_client.put_bucket_versioning(
            Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
        )
        yield s3_client


@pytest.fixture
def jobs(s3: "S3Client") -> JobStore:
    return JobStore(s3, BUCKET)


@pytest.fixture
def launcher() -> FakeJobLauncher:
    return FakeJobLauncher()


@pytest.fixture
def registry() -> FakeModelRegistry:
    return FakeModelRegistry()


@pytest.fixture
def tracker(registry: FakeModelRegistry) -> FakeRunTracker:
    return FakeRunTracker(registry)


@pytest.fixture
def alerts() -> FakeAlerts:
    return FakeAlerts()


@pytest.fixture
def settings() -> TrainingSettings:
    """Settings of a job that is quick on a few hundred rows."""
    return TrainingSettings(
        bucket=BUCKET,
        tracking_uri="http://registry.test",
        iterations=8,
        learning_rate=0.3,
        max_leaves=8,
        models=1,
        neighbour_folds=2,
    )


@pytest.fixture
def context(
    settings: TrainingSettings,
    s3: "S3Client",
    registry: FakeModelRegistry,
    tracker: FakeRunTracker,
    alerts: FakeAlerts,
) -> JobContext:
    s3.put_object(Bucket=BUCKET, Key=HOLDOUT_KEY, Body=b"a key that is the same in tests.")
    return JobContext(settings, s3, registry, tracker, alerts)


@pytest.fixture
def put_upload(s3: "S3Client") -> Callable[..., Upload]:
    """Put an object under ``new_data/`` and return its job's upload."""

    def put(content: bytes, name: str = "more.csv", **metadata: str) -> Upload:
        key = f"{NEW_DATA}{name}"
        answer = s3.put_object(Bucket=BUCKET, Key=key, Body=content, Metadata=metadata)
        version = answer["VersionId"]
        return Upload(job_id(bucket=BUCKET, key=key, version=version), BUCKET, key, version)

    return put


@pytest.fixture
def read(s3: "S3Client") -> Callable[[str], bytes]:
    """Read an object of the bucket."""

    def content(key: str) -> bytes:
        return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    return content


@pytest.fixture
def keys(s3: "S3Client") -> Callable[[str], list[str]]:
    """List the keys under a prefix."""

    def listed(prefix: str) -> list[str]:
        listing = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [entry["Key"] for entry in listing.get("Contents", [])]

    return listed


@pytest.fixture
def event() -> Callable[[str], dict[str, Any]]:
    """Read a sample event."""

    def loaded(name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
        return content

    return loaded


@pytest.fixture
def trained(context: JobContext, put_upload: Callable[..., Upload]) -> Upload:
    """Run a first job, on 800 rows, to its end."""
    upload = put_upload(as_csv(housing_table(800)))
    assert run(upload, context) == State.SUCCEEDED
    return upload


@pytest.fixture
def at_stage(monkeypatch: pytest.MonkeyPatch) -> Callable[[Stage, Callable[[], object]], None]:
    """Have something done once, when a job enters a stage."""

    def arrange(stage: Stage, act: Callable[[], object]) -> None:
        entered = JobProgress.stage
        left = [act]

        @contextmanager
        def watched(self: JobProgress, name: Stage, message: str) -> Iterator[None]:
            with entered(self, name, message):
                if name == stage and left:
                    left.pop()()
                yield

        monkeypatch.setattr(JobProgress, "stage", watched)

    return arrange
