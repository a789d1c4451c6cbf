"""The description of a version: made after the promotion, which does not depend on it."""

import logging
from collections.abc import Callable

import pytest

from fakes.registry import FakeModelRegistry
from fakes.run_tracker import FakeRunTracker
from fakes.tables import as_csv, housing_table
from housing.jobs.status import JobStore, State
from housing.registry.port import PRODUCTION
from retrain.training.errors import JobStoppedError, TrackingError
from retrain.training.job.context import JobContext
from retrain.training.job.job import run
from retrain.training.upload.ingest import Upload

PutUpload = Callable[..., Upload]
CONTENT = as_csv(housing_table(400))


def failing(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_version_is_in_production_and_its_job_ended_before_it_is_described(
    context: JobContext,
    put_upload: PutUpload,
    jobs: JobStore,
    registry: FakeModelRegistry,
    tracker: FakeRunTracker,
) -> None:
    upload = put_upload(CONTENT)
    before: list[tuple[str, State]] = []

    def observe() -> None:
        live = registry.version_by_alias(PRODUCTION).version
        before.append((live, jobs.load(upload.job_id).state))

    tracker.on_describe = observe

    run(upload, context)

    assert before == [("1", State.SUCCEEDED)]


def test_the_spatial_score_reaches_card_tags_run_and_status(
    context: JobContext,
    put_upload: PutUpload,
    jobs: JobStore,
    registry: FakeModelRegistry,
    tracker: FakeRunTracker,
) -> None:
    upload = put_upload(CONTENT)

    run(upload, context)

    description, version = tracker.descriptions["1"], registry.version("1")
    spatial = description.metrics["spatial_rmse"]
    status = jobs.load(upload.job_id)
    assert "spatial_rmse" not in tracker.candidates[0].metrics
    expected = {**tracker.candidates[0].metrics, "spatial_rmse": spatial}
    assert status.metrics == pytest.approx(expected, rel=1e-5)
    assert float(version.tags["metric.spatial_rmse"]) == pytest.approx(spatial, rel=1e-5)
    assert f"| spatial_rmse | {spatial:.4g} |" in version.description
    assert version.description.count("## Gate") == 1
    assert "Promoted: the first model" in version.description
    assert {"residual_map.png", "calibration.png", "learning_curves.png"} <= set(
        description.figures
    )


@pytest.mark.parametrize(
    "error", [TrackingError("the server is down"), ZeroDivisionError(), JobStoppedError()]
)
def test_a_description_that_fails_changes_nothing_of_the_outcome(  # noqa: PLR0913, PLR0917 - fixtures
    context: JobContext,
    put_upload: PutUpload,
    jobs: JobStore,
    registry: FakeModelRegistry,
    tracker: FakeRunTracker,
    caplog: pytest.LogCaptureFixture,
    error: BaseException,
) -> None:
    tracker.on_describe = failing(error)
    upload = put_upload(CONTENT)

    with caplog.at_level(logging.WARNING):
        assert run(upload, context) == State.SUCCEEDED

    status = jobs.load(upload.job_id)
    assert (status.state, status.promoted, status.reason) == (State.SUCCEEDED, True, None)
    assert registry.version_by_alias(PRODUCTION).version == "1"
    assert "Promoted: the first model" in registry.version("1").description
    assert [record.message for record in caplog.records] == ["version_not_described"]
