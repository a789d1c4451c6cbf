"""Uploads that contradict production: their jobs hold, and others go on without them."""

from collections.abc import Callable

import pandas as pd
import pytest

from fakes.alerts import FakeAlerts
from fakes.registry import FakeModelRegistry
from fakes.run_tracker import FakeRunTracker
from fakes.tables import as_csv, housing_table
from housing.jobs.status import JobStatus, JobStore, State
from housing.registry.port import PRODUCTION, Tag
from retrain.training.job.context import JobContext
from retrain.training.job.intake import add_upload
from retrain.training.job.job import run
from retrain.training.upload.ingest import Upload

PutUpload = Callable[..., Upload]
RunJob = Callable[..., JobStatus]
HONEST = housing_table(300, seed=1)


def poison(rows: int = 60) -> pd.DataFrame:
    """Return rows around one place at a hundredth of what rows there cost."""
    table = housing_table(rows, seed=9)
    offsets = [number / rows / 50 for number in range(rows)]
    return table.assign(
        Latitude=[34.0 + offset for offset in offsets],
        Longitude=[-118.0 + offset for offset in offsets],
        MedHouseVal=0.15,
    )


@pytest.fixture
def run_job(context: JobContext, put_upload: PutUpload, jobs: JobStore) -> RunJob:
    """Run the job of a table and return its status."""

    def ran(table: pd.DataFrame, name: str) -> JobStatus:
        upload = put_upload(as_csv(table), name=name)
        run(upload, context)
        return jobs.load(upload.job_id)

    return ran


@pytest.fixture(autouse=True)
def _production(run_job: RunJob) -> None:
    assert run_job(housing_table(1_500), "first.csv").promoted


def test_an_upload_that_contradicts_production_is_held_with_the_place_and_both_ways_on(
    run_job: RunJob, registry: FakeModelRegistry, alerts: FakeAlerts
) -> None:
    status = run_job(poison(), "poison.csv")

    assert (status.state, status.promoted) == (State.HELD, False)
    assert status.held is not None
    assert (status.held.kind, status.held.jobs) == ("data", [status.job_id])
    places = [one for one in status.held.places if one.latitude is not None]
    assert places
    assert abs(float(places[0].latitude or 0) - 34.0) < 0.1
    assert registry.version_by_alias(PRODUCTION).version == "1"
    version = registry.version(str(status.model_version))
    assert version.tags[Tag.VERDICT] == "held"
    assert version.tags[Tag.HELD_PARTS] == status.part
    alert = alerts.sent[-1]
    assert alert.event == "model_held"
    assert alert.next_step.startswith(f"housing promote {status.model_version} ")
    assert f"housing data exclude {status.job_id}" in alert.advice


def test_the_next_job_trains_without_what_is_held_and_goes_live(
    run_job: RunJob, registry: FakeModelRegistry, tracker: FakeRunTracker
) -> None:
    held = run_job(poison(), "poison.csv")

    status = run_job(HONEST, "honest.csv")

    assert status.state == State.SUCCEEDED
    assert status.held is None
    assert status.dataset_rows == 1_800
    assert held.job_id not in tracker.candidates[-1].snapshot.uploads
    assert status.promoted == (registry.version_by_alias(PRODUCTION).version == "3")


def test_an_honest_job_that_comes_first_leaves_the_others_of_its_batch_that_are_held(
    context: JobContext, put_upload: PutUpload, jobs: JobStore, run_job: RunJob
) -> None:
    waiting = put_upload(as_csv(poison()), name="poison.csv")
    add_upload(waiting, context)

    honest = run_job(HONEST, "honest.csv")
    run(waiting, context)

    assert (honest.state, honest.dataset_rows, honest.held) == (State.SUCCEEDED, 1_800, None)
    status = jobs.load(waiting.job_id)
    assert status.state == State.HELD
    assert status.dataset_rows == 1_860


def test_included_rows_are_trained_on_and_not_held_again(
    context: JobContext, run_job: RunJob
) -> None:
    held = run_job(poison(), "poison.csv")
    with context.live.locked("a person"):
        context.live.exclusions.include(str(held.part), who="a person", why="it is so")

    status = run_job(HONEST, "honest.csv")

    assert status.state == State.SUCCEEDED
    assert (status.held, status.dataset_rows) == (None, 1_860)


def test_the_same_file_again_is_held_again(run_job: RunJob) -> None:
    first = run_job(poison(), "poison.csv")

    again = run_job(poison(), "again.csv")

    assert (again.state, again.model_version) == (State.HELD, first.model_version)
    assert again.held is not None
