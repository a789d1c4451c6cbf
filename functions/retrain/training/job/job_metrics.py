"""Metrics of a finished job, as lines in CloudWatch's embedded metric format.

Specification:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
A dimension's value is a member of the line, so the drift of each column needs its own line.
"""

import json
import logging
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from housing.jobs.status import JobStatus, State
from housing.metrics import names
from housing.schema import SUBJECT

SERVICE = "training"

_LOG = logging.getLogger(__name__)
ERRORS = {
    "regression": (names.CHALLENGER_RMSE, names.CHAMPION_RMSE, names.LIVE_RMSE),
    "classification": (names.CHALLENGER_LOG_LOSS, names.CHAMPION_LOG_LOSS, names.LIVE_LOG_LOSS),
}
"""Metrics of the errors, by the subject's task."""
UNITS: Mapping[str, str] = {
    names.JOBS_SUCCEEDED: "Count",
    names.JOBS_REJECTED: "Count",
    names.JOBS_FAILED: "Count",
    names.JOB_SECONDS: "Seconds",
    names.ROWS_ACCEPTED: "Count",
    names.ROWS_REJECTED: "Count",
    names.MODELS_PROMOTED: "Count",
    names.DRIFTED_COLUMNS: "Count",
    names.DRIFT_PSI: "None",
    names.DRIFT_KS: "None",
    names.INTERVAL_COVERAGE: "None",
    **dict.fromkeys(ERRORS[SUBJECT.task], "None"),
}


def to_stdout(line: str) -> None:
    """Write a line to standard output, which Batch and Lambda log."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def write_job_metrics(status: JobStatus, write: Callable[[str], None] = to_stdout) -> None:
    """Write the metric lines of a finished job; a failed write is logged.

    Args:
        status: Final status of the job.
        write: Called with each line of JSON, without a line end.
    """
    try:
        for line in _lines(status):
            write(json.dumps(line, ensure_ascii=False, allow_nan=False))
    except OSError:
        _LOG.exception("job_metrics_not_written", extra={"job_id": status.job_id})


def _lines(status: JobStatus) -> Iterator[dict[str, Any]]:
    of_job = {
        "job_id": status.job_id,
        "upload_key": status.upload_key,
        "state": status.state,
        "stage": status.stage,
        "reason": status.reason,
        "model_version": status.model_version,
    }
    yield _line(status, "job_metrics", _of_end(status), {}, of_job)
    for column in status.drift.columns if status.drift else ():
        measured = {names.DRIFT_PSI: column.psi, names.DRIFT_KS: column.ks}
        where = {names.COLUMN_DIMENSION: column.name}
        facts = {"job_id": status.job_id, "drifted": column.drifted}
        yield _line(status, "column_drift", measured, where, facts)


def _of_end(status: JobStatus) -> dict[str, float | None]:
    """Return the job's metrics; None for stages that were not reached."""
    rows, verdict, drift, live = status.rows, status.verdict, status.drift, status.live
    return {
        names.JOBS_SUCCEEDED: int(status.state.is_success),
        names.JOBS_REJECTED: int(status.state == State.REJECTED),
        names.JOBS_FAILED: int(status.state == State.FAILED),
        names.JOB_SECONDS: (_ended_at(status) - status.created_at).total_seconds(),
        names.ROWS_ACCEPTED: rows.accepted if rows else None,
        names.ROWS_REJECTED: rows.rejected if rows else None,
        names.CHALLENGER_RMSE: verdict.challenger_rmse if verdict else None,
        names.CHAMPION_RMSE: verdict.champion_rmse if verdict else None,
        names.CHALLENGER_LOG_LOSS: verdict.challenger_log_loss if verdict else None,
        names.CHAMPION_LOG_LOSS: verdict.champion_log_loss if verdict else None,
        names.MODELS_PROMOTED: None if status.promoted is None else int(status.promoted),
        names.INTERVAL_COVERAGE: live.coverage if live else None,
        names.LIVE_RMSE: live.rmse if live else None,
        names.LIVE_LOG_LOSS: live.log_loss if live else None,
        names.DRIFTED_COLUMNS: len(drift.warnings) if drift and drift.columns else None,
    }


def _line(
    status: JobStatus,
    message: str,
    metrics: Mapping[str, float | None],
    dimensions: Mapping[str, str],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    values = {name: v for name, v in metrics.items() if v is not None and math.isfinite(v)}
    dimensions = {names.SERVICE_DIMENSION: SERVICE, **dimensions}
    directive = {
        "Namespace": names.NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
    }
    timestamp_ms = int(_ended_at(status).timestamp() * 1_000)
    metadata = {"Timestamp": timestamp_ms, "CloudWatchMetrics": [directive]}
    return {"message": message, "_aws": metadata, **dimensions, **values, **facts}


def _ended_at(status: JobStatus) -> datetime:
    return status.finished_at or datetime.now(UTC)
