"""The whole job on a bucket in memory, a fake registry and a fake tracker."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from fakes.alerts import FakeAlerts
from fakes.registry import FakeModelRegistry
from fakes.run_tracker import FakeRunTracker
from fakes.tables import as_csv, housing_table
from housing.errors import AliasNotFoundError
from housing.jobs.results import RowCounts, ShadowFigures
from housing.jobs.status import JobStore, Stage, State
from housing.registry.port import CHALLENGER, MODEL_FILE, PREVIOUS, PRODUCTION, ModelVersion, Tag
from housing.tree_library import LIBRARY, identity
from retrain.training.job.context import JobContext
from retrain.training.job.job import run
from retrain.training.model.evaluation import score
from retrain.training.upload.ingest import Upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PutUpload = Callable[..., Upload]
Keys = Callable[[str], list[str]]
TABLE = housing_table(800)


def alias(registry: FakeModelRegistry, name: str = PRODUCTION) -> str:
    return registry.version_by_alias(name).version


def test_an_upload_ends_as_the_version_in_production(
    context: JobContext, put_upload: PutUpload, jobs: JobStore, registry: FakeModelRegistry
) -> None:
    upload = put_upload(as_csv(TABLE), **{"data-source": "generated"})

    assert run(upload, context) == State.SUCCEEDED

    status = jobs.load(upload.job_id)
    assert (status.state, status.model_version, status.promoted) == (State.SUCCEEDED, "1", True)
    assert [time.stage for time in status.stages] == list(Stage)
    assert all(time.seconds is not None for time in status.stages)
    assert status.rows is not None
    assert (status.rows.read, status.rows.accepted, status.rows.new) == (800, 800, 800)
    assert (status.dataset_rows, status.data_source) == (800, "generated")
    assert status.verdict is not None
    assert status.verdict.promote
    assert status.metrics["rmse"] < status.metrics["baseline_rmse"]
    assert alias(registry) == "1"


def test_the_version_carries_what_its_users_go_by(
    trained: Upload, registry: FakeModelRegistry, jobs: JobStore
) -> None:
    tags = registry.version("1").tags
    model = registry.download("1", MODEL_FILE)
    status = jobs.load(trained.job_id)

    assert tags[Tag.SHA256] == hashlib.sha256(model).hexdigest()
    assert (tags[Tag.DATASET_ID], tags[Tag.JOB_ID]) == (status.dataset_id, trained.job_id)
    assert (tags[Tag.DATA_SOURCE], tags[Tag.SCHEMA_VERSION]) == ("upload", "1")
    assert tags.get(Tag.TREES) == (identity() if LIBRARY.exists() else None)
    assert float(tags[f"{Tag.METRIC_PREFIX}rmse"]) == pytest.approx(status.metrics["rmse"])
    assert score(model, TABLE.iloc[:3, :8].to_numpy(dtype="float32")).price.size == 3


@pytest.mark.usefixtures("trained")
def test_known_rows_are_counted_and_reported(
    context: JobContext, put_upload: PutUpload, jobs: JobStore, read: Callable[[str], bytes]
) -> None:
    fresh = housing_table(10, seed=1)
    upload = put_upload(as_csv(pd.concat([TABLE[:30], fresh, fresh[:4]])))

    assert run(upload, context) == State.SUCCEEDED

    status = jobs.load(upload.job_id)
    assert status.rows == RowCounts(
        read=44, accepted=44, rejected=0, new=10, duplicates=4, known=30
    )
    assert status.report_key == f"rejected/{upload.job_id}/report.json"
    report = json.loads(read(status.report_key))
    assert (report["rows_duplicate"], report["rows_known"]) == (4, 30)
    assert b"held before: 30" in read(f"rejected/{upload.job_id}/report.md")


@pytest.mark.usefixtures("trained")
def test_more_rows_make_another_version_of_all_rows(
    context: JobContext, put_upload: PutUpload, jobs: JobStore, tracker: FakeRunTracker
) -> None:
    more = put_upload(as_csv(housing_table(300, seed=1)))

    run(more, context)

    status = jobs.load(more.job_id)
    assert (status.model_version, status.dataset_rows) == ("2", 1_100)
    assert status.rows is not None
    assert status.rows.new == 300
    assert len(tracker.candidates) == 2


class FixedShadowReport:
    """Says the same of every version."""

    def figures(self, version: ModelVersion) -> ShadowFigures | None:
        """See ``ShadowReport.figures``."""
        return ShadowFigures(version=version.version, days=7, requests=5, errors=0, timed_out=0)


@pytest.mark.usefixtures("trained")
def test_the_verdict_has_the_shadow_figures_of_the_challenger(
    context: JobContext, put_upload: PutUpload, jobs: JobStore, registry: FakeModelRegistry
) -> None:
    registry.set_alias(CHALLENGER, "1")
    more = put_upload(as_csv(housing_table(300, seed=1)))

    run(more, replace(context, shadow_report=FixedShadowReport()))

    status = jobs.load(more.job_id)
    assert status.verdict is not None
    assert status.verdict.shadow is not None
    assert (status.model_version, status.verdict.shadow.version) == ("2", "1")


@pytest.mark.usefixtures("trained")
def test_rows_that_were_trained_on_are_not_trained_on_again(
    context: JobContext,
    put_upload: PutUpload,
    tracker: FakeRunTracker,
    alerts: FakeAlerts,
) -> None:
    again = put_upload(as_csv(TABLE.iloc[::-1]), name="again.csv")

    assert run(again, context) == State.SUCCEEDED

    status = context.jobs.load(again.job_id)
    assert status.message == "version 1 was already trained on exactly these rows"
    assert (status.model_version, status.promoted) == ("1", None)
    assert len(tracker.candidates) == 1
    assert len(alerts.sent) == 1


@pytest.mark.usefixtures("trained")
def test_a_version_that_was_rolled_back_from_is_not_promoted_by_the_same_rows(
    context: JobContext, put_upload: PutUpload, registry: FakeModelRegistry
) -> None:
    registry.set_tag("1", Tag.ROLLED_BACK, "by anna: odd prices")
    registry.drop_alias(PRODUCTION)
    again = put_upload(as_csv(TABLE.iloc[::-1]), name="again.csv")

    assert run(again, context) == State.SUCCEEDED

    status = context.jobs.load(again.job_id)
    assert status.message == "version 1 was rolled back from: by anna: odd prices"
    assert (status.model_version, status.promoted) == ("1", None)
    with pytest.raises(AliasNotFoundError):
        registry.version_by_alias(PRODUCTION)


@pytest.mark.usefixtures("trained")
def test_other_settings_train_again_on_the_same_rows(
    context: JobContext, put_upload: PutUpload, jobs: JobStore
) -> None:
    settings = context.settings.model_copy(update={"iterations": 31})
    again = put_upload(as_csv(TABLE))

    run(again, replace(context, settings=settings))

    assert jobs.load(again.job_id).model_version == "2"


def test_a_job_that_is_done_is_not_run_again(
    trained: Upload, context: JobContext, jobs: JobStore, alerts: FakeAlerts
) -> None:
    before = jobs.load(trained.job_id)

    assert run(trained, context) == State.SUCCEEDED

    assert jobs.load(trained.job_id) == before
    assert len(alerts.sent) == 1


@pytest.mark.usefixtures("trained")
def test_a_worse_model_is_registered_and_not_promoted(
    context: JobContext,
    put_upload: PutUpload,
    jobs: JobStore,
    registry: FakeModelRegistry,
    alerts: FakeAlerts,
) -> None:
    upload = put_upload(as_csv(housing_table(200, seed=2)))
    weak = context.settings.model_copy(update={"iterations": 1})

    assert run(upload, replace(context, settings=weak)) == State.SUCCEEDED

    status = jobs.load(upload.job_id)
    assert (status.model_version, status.promoted) == ("2", False)
    assert alias(registry) == "1"
    assert alias(registry, "challenger") == "2"
    assert [alert.event for alert in alerts.sent] == ["model_promoted", "model_not_promoted"]


def test_a_champion_that_does_not_load_counts_as_none_and_it_is_said(
    context: JobContext, put_upload: PutUpload, jobs: JobStore, registry: FakeModelRegistry
) -> None:
    broken = registry.register(
        {MODEL_FILE: b"broken"}, tags={Tag.SHA256: hashlib.sha256(b"broken").hexdigest()}
    )
    registry.set_alias(PRODUCTION, broken.version)
    upload = put_upload(as_csv(TABLE))

    run(upload, context)

    verdict = jobs.load(upload.job_id).verdict
    assert verdict is not None
    assert "version 1 in production does not load" in verdict.reason
    assert (alias(registry), alias(registry, PREVIOUS)) == ("2", "1")


@pytest.mark.usefixtures("trained")
def test_a_file_that_is_rejected_says_why_and_touches_nothing(
    context: JobContext,
    put_upload: PutUpload,
    registry: FakeModelRegistry,
    alerts: FakeAlerts,
    keys: Keys,
) -> None:
    before = (keys("dataset/"), keys("models/"), keys("ledger/"))
    upload = put_upload(b"MedInc,HouseAge\n1,2\n", name="bad.csv")

    assert run(upload, context) == State.REJECTED

    status = context.jobs.load(upload.job_id)
    assert status.reason is not None
    assert status.reason.startswith("missing columns AveRooms")
    assert status.next_step
    assert status.report_key == f"rejected/{upload.job_id}/report.json"
    assert (status.stage, status.stages[-1].seconds) == (Stage.INGEST, None)
    assert (keys("dataset/"), keys("models/"), keys("ledger/")) == before
    assert alias(registry) == "1"
    assert (alerts.sent[-1].event, alerts.sent[-1].reason) == ("upload_rejected", status.reason)


def test_nothing_of_the_upload_is_changed(trained: Upload, s3: "S3Client") -> None:
    versions = s3.list_object_versions(Bucket="housing-test", Prefix="new_data/")

    assert [entry["VersionId"] for entry in versions["Versions"]] == [trained.version_id]
    assert "DeleteMarkers" not in versions
