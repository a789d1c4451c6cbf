"""Writes docs/cost.md: what watching costs a month; ``make cost``.

Counted: metrics of the exporter's config, queries of ``GET /metrics``, alarms and dashboards of the
template, and the bytes of a request's log line as the code writes it.
"""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from housing import metric_names
from housing.registry import ModelVersion
from housing.schema import CANONICAL_COLUMNS, FEATURES
from local_stack.template import load
from predict.account_metrics import COUNTERS, GAUGES, REASONS
from predict.embedded_metrics import UNITS as PREDICT_UNITS
from predict.exchange import Call
from predict.predictor import Prediction
from predict.served_model import ServedModel
from predict.telemetry import Telemetry
from retrain.training.job_metrics import UNITS as JOB_UNITS

ROOT = Path(__file__).resolve().parents[1]
_METRIC = 0.30
_ASKED_METRIC = 0.01 / 1_000
_LIST_CALL = 0.01 / 1_000  # YACE lists each metric's dimensions at every scrape
_ALARM_METRIC = 0.10
_DASHBOARD = 3.00
_GIGABYTE_LOGGED = 0.50
_MILLION_PUT = 10.00  # PutMetricData, $0.01 a thousand
_MILLION_SERVED = 3.50 + 0.20 + 1e6 * 0.010 * 1.0 * 0.0000133334  # REST API, Lambda, 10 ms of 1 GB
_MINUTES = 60 * 24 * 365.25 / 12
_REQUESTS = (0, 10**5, 10**7, 10**9)
_LOGGED_SHARE_ABOVE = 50 * 60 * _MINUTES  # predictions a month that are logged with their features


def page() -> str:
    """Return the page."""
    exporter = yaml.safe_load((ROOT / "monitoring/yace/config.yaml").read_text())
    template = load(ROOT / "infra/template.yaml")["Resources"]
    asked_by_exporter = _asked_by(exporter)
    asked_by_api = len(COUNTERS) + len(GAUGES)
    kept = _kept_metrics()
    alarms = [found["Properties"] for found in template.values() if _is(found, "Alarm")]
    alarm_metrics = sum(_watched(alarm) for alarm in alarms)
    dashboards = sum(_is(found, "Dashboard") for found in template.values())
    line = _line_bytes()
    fixed = sum(kept.values()) * _METRIC
    a_scrape = asked_by_exporter * _ASKED_METRIC + _lists_by(exporter) * _LIST_CALL
    choices = {
        "CloudWatch alone: alarms and dashboard": alarm_metrics * _ALARM_METRIC
        + dashboards * _DASHBOARD,
        "`GET /metrics`, scraped every minute": asked_by_api * _MINUTES * _ASKED_METRIC,
        "YACE, every minute": a_scrape * _MINUTES,
        "YACE, every five minutes": a_scrape * _MINUTES / 5,
    }
    logged = line / 1e9 * _GIGABYTE_LOGGED * 1e6
    return _TEXT.format(
        kept=_table(
            ["metrics", "dimensions", "number", "$ a month"],
            [[*name, count, f"{count * _METRIC:.2f}"] for name, count in kept.items()],
        ),
        kept_total=sum(kept.values()),
        fixed=fixed,
        choices=_table(
            ["choice", "metrics asked a time", "$ a month", "pays from, requests a month"],
            [
                [name, asked, f"{cost:.2f}", f"{_pays_from(fixed + cost):,.0f}"]
                for (name, cost), asked in zip(
                    choices.items(),
                    ["", asked_by_api, asked_by_exporter, asked_by_exporter],
                    strict=True,
                )
            ],
        ),
        alarm_metrics=alarm_metrics,
        calls=_jobs(exporter) * _MINUTES,
        calls_of_five=_jobs(exporter) * _MINUTES / 5,
        line=line,
        logged=logged,
        put=_MILLION_PUT,
        served=_MILLION_SERVED,
        sampled=_LOGGED_SHARE_ABOVE,
        bills=_table(
            ["requests a month", "served", "log lines", *choices],
            [
                [
                    f"{requests:,}",
                    f"{requests / 1e6 * _MILLION_SERVED:,.2f}",
                    f"{requests / 1e6 * logged:,.2f}",
                    *(
                        f"{fixed + requests / 1e6 * logged + cost:,.2f}"
                        for cost in choices.values()
                    ),
                ]
                for requests in _REQUESTS
            ],
        ),
    )


def _is(resource: Mapping[str, Any], kind: str) -> bool:
    return bool(resource["Type"] == f"AWS::CloudWatch::{kind}")


def _watched(alarm: Mapping[str, Any]) -> int:
    return sum("MetricStat" in entry for entry in alarm.get("Metrics", ())) or 1


def _kept_metrics() -> dict[tuple[str, str], int]:
    """Count what CloudWatch keeps: each name once for every value of its dimensions."""
    by_column = {metric_names.DRIFT_PSI, metric_names.DRIFT_KS}
    of_shadow = [name for name in PREDICT_UNITS if name.startswith("Shadow")]
    return {
        ("of requests and the model", "service=predict"): len(PREDICT_UNITS),
        ("of jobs", "service=training"): len(JOB_UNITS.keys() - by_column),
        ("`UploadsReceived`, `JobsStarted`, `JobsFailed`", "service=retrain"): 3,
        ("`PredictionErrors`", "service, reason"): len(REASONS),
        ("`DriftPsi`, `DriftKs`", "service, column"): len(by_column) * len(CANONICAL_COLUMNS),
        ("`Shadow…`, of one challenger", "service, challenger_version"): len(of_shadow),
    }


def _asked_by(exporter: Mapping[str, Any]) -> int:
    """Count the statistics that one scrape asks for: every one of every set of dimensions."""
    sets = {"service": 1, "reason": len(REASONS), "column": len(CANONICAL_COLUMNS)}
    own = sum(
        sets[job["name"]] * sum(len(metric["statistics"]) for metric in job["metrics"])
        for job in exporter["customNamespace"]
    )
    functions = {"AWS/Lambda": 3, "AWS/ApiGateway": 1, "AWS/S3": 1}
    return own + sum(
        functions[job["type"]] * sum(len(metric["statistics"]) for metric in job["metrics"])
        for job in exporter["discovery"]["jobs"]
    )


def _lists_by(exporter: Mapping[str, Any]) -> int:
    jobs = [*exporter["customNamespace"], *exporter["discovery"]["jobs"]]
    return sum(len(job["metrics"]) for job in jobs)


def _jobs(exporter: Mapping[str, Any]) -> int:
    return len(exporter["customNamespace"]) + len(exporter["discovery"]["jobs"])


def _line_bytes() -> int:
    """Measure the line of a request for one price, as the code writes it."""
    lines: list[bytes] = []
    served = ServedModel(
        ModelVersion("california-housing", "12", "0" * 32, datetime(2026, 11, 1, tzinfo=UTC)),
        None,  # type: ignore[arg-type]  # telemetry does not ask it
        datetime(2026, 11, 2, tzinfo=UTC),
    )
    row = {
        "features": {column.name: column.example for column in FEATURES},
        "price": 4.526,
        "interval": Prediction(4.526, 3.9, 5.0)[1:3],
        "nearest_training_km": 0.41,
    }
    call = Call("POST", "/predict", "application/json", b"", None, "0" * 36, "0" * 36)
    Telemetry(lines.append).predicted(call, served, 1.234, 1, lambda _: [row])
    return round(len(lines[0]), -2)


def _pays_from(watching: float) -> float:
    """Return from how many requests a month on watching costs less than a tenth of serving."""
    return round(watching / (0.1 * _MILLION_SERVED) * 1e6, -6)


def _table(head: list[str], rows: list[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


_TEXT = """# What watching costs

Written by [`write_cost.py`](write_cost.py) (`make cost`) out of the exporter's config, the queries
of `GET /metrics`, the template and the code's own log line. Prices: us-east-1, list prices as they
were known in November 2026, the free tier left out. A metric $0.30, 1,000 metrics asked for $0.01,
1,000 listings $0.01, an alarm $0.10 for each metric it watches, a dashboard $3, a GB of logs $0.50
(<https://aws.amazon.com/cloudwatch/pricing/>). Look them up again before you decide on them.

## What CloudWatch keeps

Whatever reads them, the metrics themselves cost, in each hour in which they have a value: at most

{kept}

{kept_total} metrics, **${fixed:.2f} a month** at most: those of training and of errors have values
in few hours, and an hour without one costs nothing. The number does not grow with requests; that is
why request ids and versions are fields of the log lines, and no dimensions.

## Who reads them

{choices}

Each statistic of a metric is counted as one that is asked for; AWS may count up to five of one
metric in one call as one, which would make it cheaper.

"Pays" is where the metrics and the choice together, without the log lines, cost less than a tenth
of what serving costs (${served:.2f} a million requests: REST API, and 10 ms of 1 GB of Lambda).
Below, the smallest is enough: the free tier (10 metrics, 10 alarms, 3 dashboards, a million API
requests) covers a good part of it. The alarms watch {alarm_metrics} metrics.

- **CloudWatch alone** is for those who run no Prometheus. It is in the template;
  `CloudWatchWatches=false` leaves it out.
- **`GET /metrics`** asks for less than YACE does, lists nothing and needs no exporter; it tells
  nothing of AWS's own metrics, of drift by column or of the shadow.
- **YACE every five minutes** has all of it for a fifth of the price; alerts come up to five minutes
  later. One `GetMetricData` call takes 500 metrics, so that a scrape is one call for each job:
  {calls:,.0f} calls a month every minute, {calls_of_five:,.0f} every five.

## What grows with requests

A request's one line is its log entry and its metrics (EMF): {line:,} bytes, ${logged:.2f} a million
requests. `PutMetricData` at every request would be ${put:.2f} a million, and a wait in each. Above
{sampled:,.0f} predictions a month at an even rate (50 a second) most lines are without features,
and shorter.

{bills}

In dollars a month; the columns of the choices hold metrics, log lines and the choice.
"""


if __name__ == "__main__":
    sys.stdout.write(page())
