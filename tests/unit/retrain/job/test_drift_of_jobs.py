"""Drift in the job: compared rows, report and alert."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from fakes.alerts import FakeAlerts
from fakes.registry import FakeModelRegistry
from fakes.run_tracker import FakeRunTracker
from fakes.tables import as_csv, housing_table
from fakes.uploads import FIRST_UPLOAD
from housing.alerts.alert import AlertEvent
from housing.jobs.results import Drift
from housing.jobs.status import JobStore, State
from housing.metrics import names as metric_names
from housing.schema import CANONICAL_HEADER
from retrain.training.errors import JobStoppedError
from retrain.training.job.context import JobContext
from retrain.training.job.job import run
from retrain.training.upload.ingest import Upload

PutUpload = Callable[..., Upload]
TABLE = housing_table(800)


def richer(rows: int = 300, seed: int = 1) -> pd.DataFrame:
    table = housing_table(rows, seed)
    return table.assign(MedInc=table["MedInc"] / 2 + 7.5)


def metric_lines(out: str) -> list[dict[str, Any]]:
    documents: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    return [line for line in documents if "_aws" in line]


@pytest.fixture
def drift_of(context: JobContext, put_upload: PutUpload, jobs: JobStore) -> Callable[..., Drift]:
    """Run the job of a table and return what its status says of drift."""

    def measured(table: pd.DataFrame, state: State = State.SUCCEEDED) -> Drift:
        upload = put_upload(as_csv(table))
        assert run(upload, context) == state
        drift = jobs.load(upload.job_id).drift
        assert drift is not None
        return drift

    return measured


@pytest.fixture
def _rows_before(context: JobContext) -> None:
    """Have rows in the data set that no version was trained on yet."""
    context.dataset.add(
        TABLE.to_numpy(), source="upload", job_id="job-before", uploaded_at=FIRST_UPLOAD
    )


def test_the_first_upload_has_nothing_to_be_compared_with(
    drift_of: Callable[..., Drift], tracker: FakeRunTracker
) -> None:
    drift = drift_of(TABLE)

    assert (drift.rows, drift.reference_rows, drift.columns) == (800, 0, [])
    assert drift.reason == "there were no rows before"
    (candidate,) = tracker.candidates
    assert candidate.run_metrics() == candidate.metrics
    assert "drift.png" not in tracker.descriptions["1"].figures
    assert "Not measured: there were no rows before." in candidate.card


@pytest.mark.usefixtures("_rows_before")
def test_rows_that_are_distributed_as_before_do_not_warn(
    drift_of: Callable[..., Drift], caplog: pytest.LogCaptureFixture
) -> None:
    drift = drift_of(housing_table(300, seed=1))

    assert (drift.rows, drift.reference_rows, drift.reason) == (300, 800, None)
    assert [column.name for column in drift.columns] == list(CANONICAL_HEADER)
    assert drift.warnings == []
    assert "rows_drift" not in caplog.text


@pytest.mark.usefixtures("_rows_before")
def test_a_column_that_drifts_is_in_the_status_the_log_the_run_and_on_the_card(
    drift_of: Callable[..., Drift],
    tracker: FakeRunTracker,
    registry: FakeModelRegistry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        drift = drift_of(richer())

    (warning,) = drift.warnings
    assert warning.startswith("MedInc drifts: PSI ")
    assert "rows_drift" in [record.message for record in caplog.records]
    candidate = tracker.candidates[-1]
    logged = candidate.run_metrics()
    by_name = {column.name: column for column in drift.columns}
    assert logged["drift.psi.MedInc"] == by_name["MedInc"].psi > 0.2
    assert logged["drift.ks.MedHouseVal"] == by_name["MedHouseVal"].ks
    assert len([name for name in logged if name.startswith("drift.")]) == 18
    assert "drift.png" in tracker.descriptions["1"].figures
    assert f"- {warning}" in registry.version("1").description
    assert not [name for name in registry.version("1").tags if "drift" in name]


@pytest.mark.usefixtures("_rows_before")
def test_only_rows_that_are_new_are_compared(drift_of: Callable[..., Drift]) -> None:
    repeated = pd.concat([TABLE, richer(60), richer(60)])

    drift = drift_of(repeated)

    assert (drift.rows, drift.reference_rows) == (60, 800)
    assert drift.warnings


def test_rows_that_were_trained_on_do_not_drift_again(
    drift_of: Callable[..., Drift],
    tracker: FakeRunTracker,
    capsys: pytest.CaptureFixture[str],
) -> None:
    drift_of(TABLE)
    capsys.readouterr()

    drift = drift_of(TABLE.iloc[::-1])

    assert drift == Drift(rows=0, reference_rows=800, reason="no row is new")
    assert len(tracker.candidates) == 1
    (line,) = metric_lines(capsys.readouterr().out)
    assert line[metric_names.JOBS_SUCCEEDED] == 1


@pytest.mark.usefixtures("_rows_before")
def test_of_fewer_rows_than_the_setting_nothing_is_said(drift_of: Callable[..., Drift]) -> None:
    drift = drift_of(richer(49))

    assert drift.reason == "49 new rows and 800 before; 50 of each are needed"
    assert drift.warnings == []


@pytest.mark.usefixtures("_rows_before")
def test_the_limits_are_settings(
    context: JobContext, put_upload: PutUpload, jobs: JobStore
) -> None:
    limits = {"drift_psi_limit": 50.0, "drift_min_rows": 20}
    upload = put_upload(as_csv(richer(30)))

    run(upload, replace(context, settings=context.settings.model_copy(update=limits)))

    drift = jobs.load(upload.job_id).drift
    assert drift is not None
    assert (len(drift.columns), drift.warnings) == (9, [])


@pytest.mark.usefixtures("_rows_before")
def test_a_job_that_is_tried_again_compares_the_same_rows_and_alerts_on_them_once(
    context: JobContext,
    put_upload: PutUpload,
    jobs: JobStore,
    tracker: FakeRunTracker,
    alerts: FakeAlerts,
) -> None:
    def stop() -> None:
        raise JobStoppedError

    tracker.on_register = stop
    upload = put_upload(as_csv(richer()))
    assert run(upload, context) == State.QUEUED
    first = jobs.load(upload.job_id).drift
    tracker.on_register = lambda: None
    assert alerts.sent == []

    assert run(upload, context) == State.SUCCEEDED

    assert first is not None
    assert first.warnings
    assert jobs.load(upload.job_id).drift == first
    assert [alert.event for alert in alerts.sent].count(AlertEvent.DATA_DRIFTED) == 1


@pytest.mark.usefixtures("_rows_before")
def test_the_end_of_a_job_is_a_line_of_metrics_and_one_for_each_column(
    drift_of: Callable[..., Drift], capsys: pytest.CaptureFixture[str]
) -> None:
    drift = drift_of(richer())

    end, *columns = metric_lines(capsys.readouterr().out)
    assert (end[metric_names.JOBS_SUCCEEDED], end[metric_names.DRIFTED_COLUMNS]) == (1, 1)
    assert end[metric_names.ROWS_ACCEPTED] == 300
    assert [line[metric_names.DRIFT_PSI] for line in columns] == [
        column.psi for column in drift.columns
    ]


def test_a_file_that_is_rejected_is_counted_and_has_no_drift(
    context: JobContext,
    put_upload: PutUpload,
    jobs: JobStore,
    capsys: pytest.CaptureFixture[str],
) -> None:
    upload = put_upload(b"MedInc,HouseAge\n1,2\n")

    run(upload, context)

    assert jobs.load(upload.job_id).drift is None
    (line,) = metric_lines(capsys.readouterr().out)
    assert line[metric_names.JOBS_REJECTED] == 1


def test_a_job_that_is_done_leaves_no_second_line(
    context: JobContext, put_upload: PutUpload, capsys: pytest.CaptureFixture[str]
) -> None:
    upload = put_upload(b"MedInc,HouseAge\n1,2\n")
    run(upload, context)
    capsys.readouterr()

    run(upload, context)

    assert capsys.readouterr().out == ""
