"""Production on prices that came back: which rows count, and where it is told."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from fakes.tables import as_csv, housing_table
from housing.errors import AliasNotFoundError
from housing.jobs.findings import LiveFigures
from housing.jobs.status import JobStore, State
from housing.metrics import names as metric_names
from housing.registry.port import MODEL_FILE, PRODUCTION, Tag
from retrain.training.dataset.row_hash import hash_rows
from retrain.training.dataset.rows import Values
from retrain.training.dataset.split import are_held_out
from retrain.training.gate.live_figures import measure_live
from retrain.training.job.context import Parts
from retrain.training.job.job import run
from retrain.training.upload.ingest import Upload

PutUpload = Callable[..., Upload]
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
SHARE = 0.2


def rows_of(errors: list[float]) -> Values:
    """Draw rows that lie so far above what ``linear_model()`` says of them."""
    rows = housing_table(len(errors), seed=5).to_numpy(copy=True)
    rows[:, -1] = 1.0 + 0.1 * rows[:, 0] + np.array(errors)
    return rows


def put_in_production(
    registry: FakeModelRegistry, model: bytes = linear_model(), *, at: datetime = NOON
) -> None:
    sha256 = hashlib.sha256(model).hexdigest()
    version = registry.register({MODEL_FILE: model}, tags={Tag.SHA256: sha256}, created_at=at)
    registry.set_alias(PRODUCTION, version.version)


def measured(registry: FakeModelRegistry, rows: Values, *, at: datetime) -> LiveFigures | None:
    return measure_live(registry, rows, came_at=at, holdout_share=SHARE, min_rows=50)


def test_rows_that_came_after_the_model_all_count(registry: FakeModelRegistry) -> None:
    put_in_production(registry)
    rows = rows_of([0.25] * 75 + [-1.0] * 25)  # the interval is half a unit to each side

    told = measured(registry, rows, at=NOON + timedelta(seconds=1))

    assert told is not None
    assert (told.version, told.rows, told.coverage) == ("1", 100, 0.75)
    assert told.rmse == pytest.approx(np.sqrt((75 * 0.25**2 + 25) / 100), rel=1e-5)


def test_of_rows_that_came_before_the_model_only_those_count_that_none_is_fitted_on(
    registry: FakeModelRegistry,
) -> None:
    put_in_production(registry)
    rows = rows_of([0.25] * 1_000)

    told = measured(registry, rows, at=NOON - timedelta(seconds=1))

    assert told is not None
    assert told.rows == are_held_out(hash_rows(rows), SHARE).sum() > 100
    assert told.coverage == 1.0


def test_too_few_rows_say_nothing_but_why(registry: FakeModelRegistry) -> None:
    put_in_production(registry)

    told = measured(registry, rows_of([0.0] * 49), at=NOON + timedelta(seconds=1))

    assert told is not None
    assert (told.coverage, told.rmse) == (None, None)
    assert told.reason == "49 rows that it had not seen; 50 are needed"


def test_a_model_that_does_not_load_is_said(registry: FakeModelRegistry) -> None:
    put_in_production(registry)
    registry.replace_file("1", MODEL_FILE, b"garbage")

    told = measured(registry, rows_of([0.0] * 50), at=NOON + timedelta(seconds=1))

    assert told is not None
    assert told.rmse is None
    assert "it does not load (the SHA-256" in str(told.reason)


def test_nothing_is_measured_where_nothing_is_in_production(registry: FakeModelRegistry) -> None:
    with pytest.raises(AliasNotFoundError):
        registry.version_by_alias(PRODUCTION)

    assert measured(registry, rows_of([0.0] * 50), at=NOON) is None


def test_a_job_tells_it_in_its_status_and_its_metrics(
    parts: Parts,
    put_upload: PutUpload,
    jobs: JobStore,
    registry: FakeModelRegistry,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put_in_production(registry, at=datetime.now(UTC) - timedelta(days=1))
    upload = put_upload(as_csv(housing_table(400)))

    assert run(upload, parts) == State.SUCCEEDED

    live = jobs.load(upload.job_id).live
    assert live is not None
    assert (live.version, live.rows, live.reason) == ("1", 400, None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    end = next(line for line in lines if line["message"] == "job_metrics")
    assert end[metric_names.LIVE_RMSE] == live.rmse
    assert end[metric_names.INTERVAL_COVERAGE] == live.coverage
