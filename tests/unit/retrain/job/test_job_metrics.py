"""The lines that a job's end leaves: what they say, and that CloudWatch can read them.

The rules are those of the specification:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import logging
import re
from datetime import timedelta
from typing import Any

import pytest

from fakes.jobs import MOMENT, job_status
from housing.jobs.results import ColumnDrift, Drift, RowCounts, Verdict
from housing.jobs.status import JobStatus, State
from housing.metrics import names
from housing.schema import CANONICAL_HEADER
from retrain.training.job.job_metrics import write_job_metrics

UNITS = {"Seconds", "Count", "None"}  # of those the specification allows
DRIFT = Drift(
    rows=1_000,
    reference_rows=20_640,
    columns=[
        ColumnDrift(
            name=name,
            psi=number / 10,
            ks=number / 100,
            p_value=0.5,
            mean_before=1,
            mean_after=2,
            drifted=number > 7,
        )
        for number, name in enumerate(CANONICAL_HEADER)
    ],
    warnings=["MedHouseVal drifts"],
)
PROMOTED = job_status(
    state=State.SUCCEEDED,
    finished_at=MOMENT + timedelta(seconds=90),
    rows=RowCounts(read=1_010, accepted=1_003, rejected=7, new=1_000),
    drift=DRIFT,
    model_version="4",
    verdict=Verdict(
        promote=True, reason="better", challenger_rmse=0.4, champion_rmse=0.5, holdout_rows=9
    ),
    promoted=True,
)
REJECTED = job_status(state=State.REJECTED, finished_at=MOMENT, reason='"no"\nrows, größer')
FIRST = PROMOTED.model_copy(
    update={
        "drift": Drift(rows=9, reference_rows=0, reason="there were no rows before"),
        "verdict": Verdict(promote=True, reason="first", challenger_rmse=0.4, holdout_rows=9),
    }
)


def lines_of(status: JobStatus) -> list[dict[str, Any]]:
    written: list[str] = []
    write_job_metrics(status, written.append)
    assert not [line for line in written if "\n" in line]
    return [json.loads(line, parse_constant=pytest.fail) for line in written]


def metrics_of(line: dict[str, Any]) -> dict[str, float]:
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    return {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]}


@pytest.mark.parametrize(
    "status", [PROMOTED, REJECTED, FIRST, job_status(state=State.FAILED)], ids=lambda job: job.state
)
def test_every_line_obeys_the_specification(status: JobStatus) -> None:
    lines = lines_of(status)

    for line in lines:
        assert len(json.dumps(line)) < 256 * 1024
        timestamp = line["_aws"]["Timestamp"]
        assert isinstance(timestamp, int)
        assert 10**12 < timestamp < 10**13  # milliseconds since 1970
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert re.fullmatch(r"[0-9A-Za-z.\-_/#:]{1,255}", directive["Namespace"])
        for dimensions in directive["Dimensions"]:
            assert 0 < len(dimensions) <= 30
            assert all(isinstance(line[name], str) and line[name] for name in dimensions)
        assert 0 < len(directive["Metrics"]) <= 100
        for metric in directive["Metrics"]:
            assert metric["Unit"] in UNITS
            assert type(line[metric["Name"]]) in (int, float)


def test_the_end_of_a_job_is_counted_and_measured() -> None:
    (end, *_) = lines_of(PROMOTED)

    assert metrics_of(end) == {
        names.JOBS_SUCCEEDED: 1,
        names.JOBS_REJECTED: 0,
        names.JOBS_FAILED: 0,
        names.JOB_SECONDS: 90,
        names.ROWS_ACCEPTED: 1_003,
        names.ROWS_REJECTED: 7,
        names.CHALLENGER_RMSE: 0.4,
        names.CHAMPION_RMSE: 0.5,
        names.MODELS_PROMOTED: 1,
        names.DRIFTED_COLUMNS: 1,
    }
    assert end["_aws"]["Timestamp"] == 1_795_435_290_000
    assert (end["job_id"], end["model_version"]) == ("job-1", "4")
    (directive,) = end["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == (
        names.NAMESPACE,
        [[names.SERVICE_DIMENSION]],
    )
    assert end[names.SERVICE_DIMENSION] == "training"


def test_a_job_whose_version_is_held_did_its_work_and_promoted_nothing() -> None:
    (end, *_) = lines_of(PROMOTED.model_copy(update={"state": State.HELD, "promoted": False}))

    assert metrics_of(end)[names.JOBS_SUCCEEDED] == 1
    assert metrics_of(end)[names.MODELS_PROMOTED] == 0
    assert end["state"] == "held"


def test_drift_is_logged_by_column() -> None:
    (_, *columns) = lines_of(PROMOTED)

    by_column = {line[names.COLUMN_DIMENSION]: metrics_of(line) for line in columns}
    assert list(by_column) == list(CANONICAL_HEADER)
    assert by_column["AveRooms"] == {names.DRIFT_PSI: 0.2, names.DRIFT_KS: 0.02}
    assert {tuple(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) for line in columns} == {
        (names.SERVICE_DIMENSION, names.COLUMN_DIMENSION)
    }


@pytest.mark.parametrize(
    ("state", "counted"), [(State.REJECTED, names.JOBS_REJECTED), (State.FAILED, names.JOBS_FAILED)]
)
def test_a_failed_job_counts_as_failed_and_logs_no_figures(state: State, counted: str) -> None:
    (end,) = lines_of(job_status(state=state, finished_at=MOMENT, reason="why"))

    metrics = metrics_of(end)
    assert metrics.pop(names.JOB_SECONDS) == 0
    assert {name for name, value in metrics.items() if value} == {counted}
    assert set(metrics) == {names.JOBS_SUCCEEDED, names.JOBS_REJECTED, names.JOBS_FAILED}
    assert end["reason"] == "why"


def test_a_first_version_has_no_champion_and_no_drift() -> None:
    (end,) = lines_of(FIRST)

    assert metrics_of(end)[names.CHALLENGER_RMSE] == 0.4
    assert not {names.CHAMPION_RMSE, names.DRIFTED_COLUMNS} & set(end)


def test_a_number_that_is_none_is_left_out() -> None:
    status = PROMOTED.model_copy(deep=True)
    assert status.verdict is not None
    status.verdict.challenger_rmse = float("nan")

    assert names.CHALLENGER_RMSE not in metrics_of(lines_of(status)[0])


def test_lines_go_to_standard_output_and_a_closed_one_does_no_harm(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def closed(_line: str) -> None:
        raise BrokenPipeError

    write_job_metrics(REJECTED)
    with caplog.at_level(logging.ERROR):
        write_job_metrics(REJECTED, closed)

    assert json.loads(capsys.readouterr().out)["reason"] == REJECTED.reason
    assert [record.message for record in caplog.records] == ["job_metrics_not_written"]
