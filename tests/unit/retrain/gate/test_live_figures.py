"""Production measured on new rows with known prices: selection of rows, report."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from fakes.tables import as_csv, housing_table
from housing.jobs.status import JobStore, State
from housing.metrics import names as metric_names
from housing.registry.port import MODEL_FILE, PRODUCTION, ModelVersion, Tag
from retrain.training.dataset.rows import Values
from retrain.training.gate.champion import Champion
from retrain.training.gate.comparison import measure_live
from retrain.training.job.context import JobContext
from retrain.training.job.job import run
from retrain.training.upload.ingest import Upload

PutUpload = Callable[..., Upload]
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
VERSION = ModelVersion("california-housing", "1", "run", NOON)
CHAMPION = Champion(VERSION, linear_model(), "", frozenset(), needs_stand_in=False)


def rows_of(errors: list[float]) -> Values:
    """Draw rows that lie so far above what ``linear_model()`` says of them."""
    rows = housing_table(len(errors), seed=5).to_numpy(copy=True)
    rows[:, -1] = 1.0 + 0.1 * rows[:, 0] + np.array(errors)
    return rows


def test_error_and_coverage_are_those_of_the_models_own_prices_and_interval() -> None:
    rows = rows_of([0.25] * 75 + [-1.0] * 25)  # the interval is half a unit to each side

    figures = measure_live(CHAMPION, rows, min_rows=50)

    assert figures is not None
    assert (figures.version, figures.rows, figures.coverage) == ("1", 100, 0.75)
    assert figures.rmse == pytest.approx(np.sqrt((75 * 0.25**2 + 25) / 100), rel=1e-5)


def test_too_few_rows_say_nothing_but_why() -> None:
    figures = measure_live(CHAMPION, rows_of([0.0] * 49), min_rows=50)

    assert figures is not None
    assert (figures.coverage, figures.rmse) == (None, None)
    assert figures.reason == "49 unseen rows; 50 are needed"


def test_a_model_that_does_not_load_is_said() -> None:
    broken = Champion(VERSION, None, "the SHA-256 is another", frozenset(), needs_stand_in=False)

    figures = measure_live(broken, rows_of([0.0] * 50), min_rows=50)

    assert figures is not None
    assert figures.rmse is None
    assert figures.reason == "it does not load (the SHA-256 is another)"


def test_nothing_is_measured_where_nothing_is_in_production() -> None:
    assert measure_live(None, rows_of([0.0] * 50), min_rows=50) is None


def test_live_figures_are_in_the_status_and_the_metrics(
    context: JobContext,
    put_upload: PutUpload,
    jobs: JobStore,
    registry: FakeModelRegistry,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put_in_production(registry, at=datetime.now(UTC) - timedelta(days=1))
    upload = put_upload(as_csv(housing_table(400)))

    assert run(upload, context) == State.SUCCEEDED

    live = jobs.load(upload.job_id).live
    assert live is not None
    assert (live.version, live.rows, live.reason) == ("1", 400, None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    end = next(line for line in lines if line["message"] == "job_metrics")
    assert end[metric_names.LIVE_RMSE] == live.rmse
    assert end[metric_names.INTERVAL_COVERAGE] == live.coverage


def test_of_an_upload_that_production_was_made_of_the_held_out_rows_count(
    context: JobContext, put_upload: PutUpload, jobs: JobStore
) -> None:
    first = put_upload(as_csv(housing_table(800)))
    assert run(first, context) == State.SUCCEEDED
    status = jobs.load(first.job_id)
    status.state = State.FAILED
    jobs.save(status)

    assert run(first, context) == State.SUCCEEDED

    live = jobs.load(first.job_id).live
    assert live is not None
    assert live.version == "1"
    assert 100 < live.rows < 220


def test_of_an_upload_that_production_may_have_been_fitted_on_no_row_counts(
    context: JobContext, put_upload: PutUpload, jobs: JobStore, registry: FakeModelRegistry
) -> None:
    """A version of an older release kept no record of what it was made of."""
    first = put_upload(as_csv(housing_table(400)))
    put_in_production(
        registry, at=datetime.now(UTC) + timedelta(hours=1), **{Tag.DATASET_ID: "0" * 64}
    )

    assert run(first, context) == State.SUCCEEDED

    live = jobs.load(first.job_id).live
    assert live is not None
    assert (live.rows, live.reason) == (0, "0 unseen rows; 50 are needed")


def put_in_production(registry: FakeModelRegistry, *, at: datetime, **tags: str) -> None:
    model = linear_model()
    known = {Tag.SHA256: hashlib.sha256(model).hexdigest(), **tags}
    version = registry.register({MODEL_FILE: model}, tags=known, created_at=at)
    registry.set_alias(PRODUCTION, version.version)
