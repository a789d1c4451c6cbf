"""The dashboard of model and data: what is live, how good it is, and what it was trained on."""

from typing import Any

from housing.schema import ERROR, SCALED, TARGET
from panels import Limits, Panel, dashboard

_PSI_LIMIT = 0.2
_COVERAGE, _LEAST_COVERAGE = 0.9, 0.8
_MOST_AGE_SECONDS = 30 * 86_400
_LIVE_LIMIT = 1.3
_ERROR = {"rmse": "RMSE", "log_loss": "Log loss"}[ERROR]
_OF_ERROR = (SCALED.unit if SCALED else TARGET.unit) if ERROR == "rmse" else ""
_UNIT, _DECIMALS = ("currencyUSD", 0) if _OF_ERROR == "dollars" else ("none", 3)
_MEASURED = f"{_ERROR}, in {_OF_ERROR}," if _OF_ERROR and _UNIT == "none" else _ERROR


def _in_unit(query: str) -> str:
    """Return a query of an error or a difference in the unit that panels show."""
    factor = SCALED.factor if SCALED and ERROR == "rmse" else 1
    return query if factor == 1 else f"{query} * {factor:g}"


_NOW = [
    Panel(
        "Version served",
        "The highest of all processes of the newest minute.",
        "none",
        {"version": 'max(housing_model_version{bound="highest"})'},
        kind="stat",
        width=4,
        height=4,
        decimals=0,
    ),
    Panel(
        "Age of it",
        "Since the version was made.",
        "s",
        {"age": "max(housing_model_age_seconds)"},
        kind="stat",
        width=4,
        height=4,
        limits=Limits(warning=_MOST_AGE_SECONDS),
    ),
    Panel(
        "Champion's error",
        f"{_MEASURED} of the version that was live, on the rows held out by the last job that "
        "compared.",
        _UNIT,
        {_ERROR: _in_unit(f"min(housing_champion_{ERROR})")},
        kind="stat",
        width=4,
        height=4,
        decimals=_DECIMALS,
    ),
    Panel(
        "Live error over test error",
        f"{_ERROR} of the live model on the last upload's rows, over the champion's on held-out "
        "rows.",
        "suffix:x",
        {"ratio": f"max(housing_live_{ERROR}) / (min(housing_champion_{ERROR}) > 0)"},
        kind="stat",
        width=4,
        height=4,
        limits=Limits(warning=_LIVE_LIMIT),
        decimals=2,
    ),
    Panel(
        "Interval coverage",
        "Share of the last upload's actual values inside the live model's intervals. 90 % is due.",
        "percentunit",
        {"coverage": "min(housing_interval_coverage)"},
        kind="stat",
        width=4,
        height=4,
        limits=Limits(warning=_LEAST_COVERAGE, below=True),
        decimals=1,
    ),
    Panel(
        "Columns that drift",
        "Of the last upload: PSI over the limit, and not by chance.",
        "short",
        {"columns": "max(housing_drifted_columns)"},
        kind="stat",
        width=4,
        height=4,
        limits=Limits(warning=1),
    ),
]
_MODEL = [
    Panel(
        "Versions served",
        "Two lines while processes differ: during a promotion for seconds, else see "
        "ModelVersionsDiffer.",
        "none",
        {
            "highest": 'max(housing_model_version{bound="highest"})',
            "lowest": 'min(housing_model_version{bound="lowest"})',
        },
        decimals=0,
        stepped=True,
    ),
    Panel(
        "Fast trees",
        "1 where the library of trees answers in every process, 0 where ONNX Runtime's own trees "
        "do, with the same bits in several times the time. A fall fires FastTreesLost.",
        "none",
        {"fast trees": "min(housing_fast_trees)"},
        top=1,
        decimals=0,
        stepped=True,
    ),
    Panel(
        _ERROR,
        f"{_MEASURED} of champion and challenger on the same held-out rows; live: the served model "
        "on each upload's own rows.",
        _UNIT,
        {
            "champion": _in_unit(f"min(housing_champion_{ERROR})"),
            "challenger": _in_unit(f"min(housing_challenger_{ERROR})"),
            "live": _in_unit(f"max(housing_live_{ERROR})"),
        },
        decimals=_DECIMALS,
        stepped=True,
    ),
    Panel(
        "Interval coverage on actuals",
        "Share of each upload's actual values inside the live model's intervals. 90 % is asked "
        "for; under the line IntervalCoverageLow fires.",
        "percentunit",
        {"coverage": "min(housing_interval_coverage)", "asked for": f"vector({_COVERAGE})"},
        limits=Limits(warning=_LEAST_COVERAGE, below=True),
        top=1,
        decimals=0,
        stepped=True,
    ),
]
_DATA = [
    Panel(
        "Drift (PSI)",
        "Population stability index of each column of the last upload, less what chance gives. "
        "Over the line a column drifts, if Kolmogorov-Smirnov says so, too.",
        "none",
        {"{{column}}": "max by (column) (housing_drift_psi)"},
        limits=Limits(warning=_PSI_LIMIT),
        bottom=0,
        decimals=2,
        stepped=True,
    ),
    Panel(
        "Drift (Kolmogorov-Smirnov)",
        "Largest distance between the distributions of a column in the upload and before it.",
        "none",
        {"{{column}}": "max by (column) (housing_drift_ks)"},
        bottom=0,
        decimals=2,
        stepped=True,
    ),
    Panel(
        "Drift now",
        "Both measures of the last upload, by column.",
        "none",
        {
            "PSI": "max by (column) (housing_drift_psi)",
            "KS": "max by (column) (housing_drift_ks)",
        },
        kind="table",
        columns={"column": "column"},
        decimals=2,
    ),
]
_TRAINING = [
    Panel(
        "Training jobs",
        "In an hour, by how they ended.",
        "short",
        {
            "succeeded": "sum(increase(housing_jobs_succeeded_total[1h]))",
            "rejected": "sum(increase(housing_jobs_rejected_total[1h]))",
            "failed": "sum(increase(housing_jobs_failed_total[1h]))",
        },
        bars=True,
        stacked=True,
        width=6,
        bottom=0,
    ),
    Panel(
        "From upload to live",
        "In an hour: uploads that arrived, those of them whose event was lost and that the sweep "
        "found, jobs that were started, models that went live.",
        "short",
        {
            "uploads": "sum(increase(housing_uploads_received_total[1h]))",
            "found by the sweep": "sum(increase(housing_uploads_recovered_total[1h])) or vector(0)",
            "started": "sum(increase(housing_jobs_started_total[1h]))",
            "promoted": "sum(increase(housing_models_promoted_total[1h]))",
        },
        stepped=True,
        width=6,
        bottom=0,
    ),
    Panel(
        "Rows of uploads",
        "In an hour: rows that passed the check, and rows that did not.",
        "short",
        {
            "accepted": "sum(increase(housing_rows_accepted_total[1h]))",
            "rejected": "sum(increase(housing_rows_rejected_total[1h]))",
        },
        bars=True,
        stacked=True,
        width=6,
        bottom=0,
    ),
    Panel(
        "Duration of the last job",
        "From the upload's event to the verdict, waiting included. The line: TrainingJobSlow.",
        "s",
        {"job": "max(housing_job_seconds)"},
        limits=Limits(warning=2_700),
        width=6,
        bottom=0,
        stepped=True,
    ),
]
_SHADOW = [
    Panel(
        "Compared requests",
        "Requests a second that the challenger predicted as well, and those where it failed. None, "
        "unless HOUSING_SHADOW_SHARE is above 0.",
        "reqps",
        {
            "compared": "sum(rate(housing_shadow_requests_total[$__rate_interval]))",
            "failed": "sum(rate(housing_shadow_errors_total[$__rate_interval]))",
            "timed out": "sum(rate(housing_shadow_timed_out_total[$__rate_interval]))",
        },
        bottom=0,
    ),
    Panel(
        "Difference of predictions",
        "Between the challenger's predictions and the champion's, in the mean and at worst.",
        _UNIT,
        {
            "mean": _in_unit("max(housing_shadow_difference)"),
            "worst": _in_unit("max(housing_shadow_difference_worst)"),
        },
        decimals=_DECIMALS,
    ),
    Panel(
        "Latency of the challenger",
        "What the challenger takes, after the answer is decided.",
        "s",
        {"q{{quantile}}": "max by (quantile) (housing_shadow_latency_seconds)"},
        bottom=0,
    ),
]


def _has_data(panel: Panel) -> bool:
    return ERROR == "rmse" or not any("interval_coverage" in q for q in panel.queries.values())


def model_dashboard() -> dict[str, Any]:
    """Return the dashboard; without panels on intervals where predictions are probabilities."""
    return dashboard(
        "housing-model",
        "Housing: model and data",
        "Versions, errors, drift, coverage, training jobs and the challenger in shadow.",
        {
            "Now": [panel for panel in _NOW if _has_data(panel)],
            "Model": [panel for panel in _MODEL if _has_data(panel)],
            "Data": _DATA,
            "Training": _TRAINING,
            "Challenger in shadow": _SHADOW,
        },
        since="now-7d",
    )
