"""A training job from its upload to its end, whatever the network does to one call of S3 or SNS.

What is fitted does not matter: the model is one that was made before.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from fakes.jobs import job_status
from fakes.network_faults import ONCE
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from fakes.run_tracker import FakeRunTracker
from fakes.tables import as_csv, housing_table
from faults.conftest import Prove
from faults.proving import Meeting
from faults.surroundings import Surroundings
from faults.test_alerts import assert_published
from housing.alerts import folded
from housing.alerts.alert import SnsAlerts
from housing.alerts.folded import FoldedAlerts
from housing.jobs.status import JobStatus, JobStore, State
from housing.registry.live_model import LOCK
from housing.registry.port import PRODUCTION, Tag
from housing.s3.layout import DATASET, NEW_DATA, REJECTED, job_id
from retrain.training.dataset.dataset import Dataset
from retrain.training.gate import comparison
from retrain.training.job import candidate, description
from retrain.training.job.candidate import TrainedModel
from retrain.training.job.context import JobContext
from retrain.training.job.job import LEASE, run
from retrain.training.model.evaluation import score
from retrain.training.settings import TrainingSettings
from retrain.training.tracking.port import Description
from retrain.training.upload.ingest import Upload

MODEL = linear_model()
NOT_FITTED: Any = None
TABLE, QUEUED = housing_table(260), housing_table(30, seed=1)
BAD_ROW = b"not,a,row,of,numbers,but,nine,fields,x\n"


class JobFailedError(Exception):
    """Raised when a job ended in failure; its upload is then sent through it again."""


@pytest.fixture(autouse=True)
def _nothing_is_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        candidate,
        "train_model",
        lambda _, rows, *__: TrainedModel(
            MODEL, NOT_FITTED, score(MODEL, rows.holdout.features), {"rmse": 0.4}
        ),
    )
    monkeypatch.setattr(
        description, "described", lambda *_: Description({"spatial_rmse": 0.6}, "# Card", {})
    )
    monkeypatch.setattr(comparison, "baseline_errors", lambda *_: {"baseline_rmse": 10.0})


class Job:
    """A job whose file has a bad row, and whose version is better; another upload queues."""

    may_raise: tuple[type[Exception], ...] = (JobFailedError,)
    content = as_csv(TABLE) + BAD_ROW
    ends = State.SUCCEEDED
    alerts = ("model_promoted",)

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.jobs = JobStore(around.s3, around.bucket)
        self.registry = FakeModelRegistry()
        s3 = around.faulty_s3(folded._BOUNDED)
        topic = SnsAlerts(around.faulty_sns(folded._BOUNDED), around.topic_arn)
        self._context = JobContext(
            TrainingSettings(bucket=around.bucket, tracking_uri="http://registry.test"),
            s3,
            self.registry,
            FakeRunTracker(self.registry),
            FoldedAlerts(topic, s3, around.bucket),
        )
        self.upload = self._launched("more.csv", self.content)
        self.queued = self._launched("queued.csv", as_csv(QUEUED))

    def act(self) -> None:
        if run(self.upload, self._context) != self.ends:
            raise JobFailedError(self.status().reason)

    def check(self, meeting: Meeting) -> None:
        around = self.around
        assert self.status().state == self.ends
        assert around.is_free(LEASE)
        assert around.is_free(LOCK)
        assert_ended(around, self.alerts, meeting)
        assert around.keys(NEW_DATA) == [self.upload.key, self.queued.key]
        self.check_rows()
        [version] = self.registry.versions()
        assert version.tags[Tag.VERDICT] == "promoted"
        assert self.registry.version_by_alias(PRODUCTION) == version
        [change] = around.ledger()
        assert (change.alias, change.to_version) == (PRODUCTION, version.version)
        assert around.undone() == []

    def check_rows(self) -> None:
        """Assert that the data set holds each good row once, and the report the bad one."""
        dataset = Dataset(self.around.s3, self.around.bucket)
        incomes = {one.job_id: sorted(one.rows[:, 0]) for one in dataset.load(dataset.uploads())}
        assert incomes == {
            self.upload.job_id: sorted(TABLE["MedInc"]),
            self.queued.job_id: sorted(QUEUED["MedInc"]),
        }
        status = self.status()
        assert status.dataset_rows == len(TABLE) + len(QUEUED)
        rows = status.rows
        assert rows
        assert (rows.read, rows.accepted, rows.rejected, rows.new) == (261, 260, 1, 260)
        report = json.loads(self.around.read(f"{REJECTED}{self.upload.job_id}/report.json"))
        assert report["rows_rejected"] == 1
        assert BAD_ROW in self.around.read(f"{REJECTED}{self.upload.job_id}/rows.csv")

    def status(self) -> JobStatus:
        return self.jobs.load(self.upload.job_id)

    def _launched(self, name: str, content: bytes) -> Upload:
        bucket, key = self.around.bucket, f"{NEW_DATA}{name}"
        version = self.around.s3.put_object(Bucket=bucket, Key=key, Body=content)["VersionId"]
        job = job_id(bucket=bucket, key=key, version=version)
        now = datetime.now(UTC)
        self.jobs.create(job_status(job, upload_key=key, upload_version=version, created_at=now))
        return Upload(job, bucket, key, version)


class RejectedJob(Job):
    """A job whose file is no table of houses."""

    content = b"MedInc,HouseAge\n1,2\n"
    ends = State.REJECTED
    alerts = ("upload_rejected",)

    def check(self, meeting: Meeting) -> None:
        around = self.around
        assert self.status().state == self.ends
        assert_ended(around, self.alerts, meeting)
        assert around.keys(DATASET) == []
        assert around.read(f"{REJECTED}{self.upload.job_id}/more.csv") == self.content
        report = json.loads(around.read(f"{REJECTED}{self.upload.job_id}/report.json"))
        assert report["reason"] == self.status().reason


def assert_ended(around: Surroundings, alerts: Sequence[str], meeting: Meeting) -> None:
    """Assert that the job's end was told; after a failure, where the job was run again."""
    if meeting.is_borne:
        assert_published(around, [*alerts], meeting)
    else:
        assert around.published() in ([*alerts], ["training_failed", *alerts])


@pytest.mark.parametrize("fault", ONCE)
@pytest.mark.parametrize("protocol", [Job, RejectedJob])
def test_a_job_ends_as_it_should_and_once(proved: Prove, protocol: Any, fault: str) -> None:
    proved(protocol, fault)
