"""Print ``docs/cost.md``, the monthly cost of the parts and of monitoring; ``make cost``.

Counted: metrics of the exporter's config, queries of ``GET /metrics``, alarms, dashboards and sizes
of the template, and the bytes of a request's log line as the code writes it. All prices are in
``prices.yaml``, the words in ``cost.txt``, beside this program.
"""

import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import yaml

from housing.jobs.restarts import SWEEP_EVERY
from housing.metrics import names as metric_names
from housing.registry.port import ModelVersion
from housing.schema import CANONICAL_COLUMNS, FEATURES
from housing.tree_library import Trees
from housing_ops.template import load
from predict.messages import Request
from predict.model.loading import ServedModel
from predict.model.predictor import Prediction, Predictor
from predict.settings import PredictSettings
from predict.telemetry.account_metrics import COUNTERS, GAUGES, REASONS
from predict.telemetry.emf import UNITS as PREDICT_UNITS
from predict.telemetry.telemetry import Telemetry
from retrain.sweep.sweeper import PAGES
from retrain.training.job.job_metrics import UNITS as JOB_UNITS

_FOLDER = Path(__file__).resolve().parent
ROOT = _FOLDER.parents[1]
_PRICES: Mapping[str, Any] = yaml.safe_load((_FOLDER / "prices.yaml").read_text())
PRICE: Mapping[str, float] = {name: price["price"] for name, price in _PRICES.items()}
_TEMPLATE = load(ROOT / "infra/template.yaml")
_EXPORTER = yaml.safe_load((ROOT / "monitoring/yace/config.yaml").read_text())
_HOURS = yaml.safe_load((ROOT / "monitoring/yace/hours.yaml").read_text())
_MINUTES_BETWEEN_HOURS = 15  # of the second exporter
_MINUTES = 60 * 24 * 365.25 / 12
_SECONDS = 60 * _MINUTES
_SWEEPS = _SECONDS / SWEEP_EVERY.total_seconds()
_REQUESTS = (0, 10**5, 10**7, 10**9)
_LOGGED_SHARE_ABOVE = 50 * _SECONDS  # predictions a month that are logged with their features
_BILLED_SECONDS = 0.010  # of a warm request for one price; an assumption
_ANSWER_BYTES = 1_000  # body and headers; an assumption
_SANDBOX_REQUESTS = 1_000  # a new sandbox for each so many, and no more than a thousand a day
_NEW_SANDBOXES = 1_000 * 365.25 / 12
_SWEEP_LISTS = 2  # of up to 1,000 jobs, and of up to 1,000 versions of uploads
_CHANGES = 1_000  # requests for lists and changes a month; an assumption
_AUDIT_SECONDS = 1  # billed of an audit of the aliases, every five minutes; an assumption
_COLD_SECONDS = 5  # billed of such a request, each a cold one; an assumption
_UPLOADS = 30  # a month, each a job; an assumption
_JOB_MINUTES = 5  # billed; an assumption: the image is pulled, the fit itself is measured
_KEPT_GB = 10  # data, models, ledger, artifacts; an assumption
_IMAGE_GB = 1.0  # an assumption
_ALERTS = 100  # a month, to two subscribers; an assumption
_WEB_ACL_RULES = 4  # an assumption
_QUERIES_TB = 0.01  # read by Athena in a month; an assumption
_OF_RETRAIN = (
    metric_names.UPLOADS_RECEIVED,
    metric_names.UPLOADS_RECOVERED,
    metric_names.JOBS_STARTED,
    metric_names.JOBS_FAILED,
)
_PLATFORM_LINES = (
    f"START RequestId: {'0' * 36} Version: 12\n"
    f"END RequestId: {'0' * 36}\n"
    f"REPORT RequestId: {'0' * 36}\tDuration: 8.12 ms\tBilled Duration: 9 ms\t"
    "Memory Size: 1024 MB\tMax Memory Used: 180 MB\t\n"
)
"""Lambda's own log lines of a request."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the system and its cost in a month with a number of predictions."""

    name: str
    cost: Callable[[float], float]


def page() -> str:
    """Return the page."""
    choices = watching_choices()
    fixed = sum(kept_metrics().values()) * PRICE["metric"]
    asked_by_api, asked_by_exporter = len(COUNTERS) + len(GAUGES), asked_by(_EXPORTER)
    logged = line_bytes() / 1e9 * PRICE["logs_gb"] * 1e6
    parts, options = always(), if_chosen()
    return (
        (_FOLDER / "cost.txt")
        .read_text()
        .format(
            system=_bill([*parts, Part("**total**", lambda requests: total(parts, requests))]),
            options=_bill(options),
            prices=_price_table(),
            job_minutes=_JOB_MINUTES,
            fit_seconds=_measured_fit_seconds(),
            uploads=_UPLOADS,
            kept_gb=_KEPT_GB,
            sweep_lists=_SWEEP_LISTS,
            sweeps=_sweeps(),
            sweep_page=_SWEEPS / 1e3 * PRICE["s3_thousand_writes"],
            sweep_pages=PAGES,
            billed_ms=_BILLED_SECONDS * 1e3,
            memory=_memory_gb(),
            answer_bytes=_ANSWER_BYTES,
            platform=len(_PLATFORM_LINES),
            sandbox_requests=_SANDBOX_REQUESTS,
            snapshot=_memory_gb() * _SECONDS * PRICE["snapshot_gb_second"],
            alerts=_ALERTS,
            rules=_WEB_ACL_RULES,
            vcpus=_job_size("VCPU"),
            job_gb=_job_size("MEMORY") / 1024,
            job=_training_job(),
            kept=_table(
                ["metrics", "dimensions", "number", "$ a month"],
                [
                    [*name, count, f"{count * PRICE['metric']:.2f}"]
                    for name, count in kept_metrics().items()
                ],
            ),
            kept_total=sum(kept_metrics().values()),
            fixed=fixed,
            choices=_table(
                [
                    "choice",
                    "metrics requested",
                    "$ a month",
                    "under 10 % from, requests a month",
                ],
                [
                    [name, asked, f"{cost:.2f}", f"{_pays_from(fixed + cost):,.0f}"]
                    for (name, cost), asked in zip(
                        choices.items(),
                        ["", asked_by_api, asked_by_exporter, asked_by_exporter],
                        strict=True,
                    )
                ],
            ),
            alarm_metrics=_alarm_metrics(),
            hours=hours_cost(),
            asked_of_hours=asked_by(_HOURS),
            calls=_jobs(_EXPORTER) * _MINUTES,
            calls_of_five=_jobs(_EXPORTER) * _MINUTES / 5,
            line=line_bytes(),
            logged=logged,
            put=PRICE["metrics_put_thousand"] * 1e3,
            served=served(1e6),
            sampled=_LOGGED_SHARE_ABOVE,
            bills=_bill(
                [
                    Part(f"metrics, log lines, {name}", _watched_by(fixed + cost, logged))
                    for name, cost in choices.items()
                ]
            ),
        )
    )


# ---- the whole -----------------------------------------------------------------------------------
def always() -> list[Part]:
    """Return the parts that every deployment has, watched by CloudWatch alone."""
    return [
        Part("API Gateway", gateway),
        Part("Lambda predict", compute),
        Part("SnapStart: one version kept, sandboxes restored", _snapshots),
        Part("data sent to clients", lambda n: n * _ANSWER_BYTES / 1e9 * PRICE["transfer_gb"]),
        Part("Lambda admin and its audits", lambda _: _administered()),
        Part("Lambda retrain and the sweep", lambda _: _retrain()),
        Part("training jobs on Fargate", lambda _: _UPLOADS * _training_job()),
        Part("S3", lambda _: _storage()),
        Part("image in ECR", lambda _: _IMAGE_GB * PRICE["image_gb"]),
        Part("Secrets Manager", _secrets),
        Part("logs", _logs),
        Part("metrics, alarms, dashboard", lambda _: _watched()),
        Part("X-Ray, with `Tracing=Active`", traces),
        Part("SNS", lambda _: _alerts()),
    ]


def if_chosen() -> list[Part]:
    """Return the optional parts."""
    choices = watching_choices()
    server = PRICE["mlflow_server_hour"] * _MINUTES / 60
    return [
        Part("SageMaker MLflow server, small", lambda _: server),
        Part("predictions to S3, with Athena", _kept_predictions),
        Part("web ACL", _web_acl),
        Part("NAT gateway of the job's subnets", lambda _: PRICE["nat_hour"] * _MINUTES / 60),
        *(Part(f"watching: {name}", _constant(cost)) for name, cost in list(choices.items())[1:]),
    ]


def total(parts: list[Part], requests: float) -> float:
    """Return the total cost of parts."""
    return sum(part.cost(requests) for part in parts)


def gateway(requests: float) -> float:
    """Return the price of requests through a REST API, by its tiers."""
    cost, left = 0.0, requests / 1e6
    tiers = ((333, "api_million_1"), (667, "api_million_2"), (19_000, "api_million_3"))
    for millions, name in tiers:
        taken = min(left, millions)
        cost += taken * PRICE[name]
        left -= taken
    return cost + left * PRICE["api_million_3"]


def compute(requests: float) -> float:
    """Return the price of predict's requests and of their time."""
    seconds = requests * _BILLED_SECONDS
    return (
        requests / 1e6 * PRICE["lambda_million"]
        + seconds * _memory_gb() * PRICE["lambda_gb_second"]
    )


def served(requests: float) -> float:
    """Return the price of serving: API Gateway and Lambda."""
    return gateway(requests) + compute(requests)


def traces(requests: float) -> float:
    """Return the price of X-Ray's sample: the first request of a second, 5 % of the others."""
    first = min(requests, _SECONDS)
    return (first + 0.05 * (requests - first)) / 1e6 * PRICE["traces_million"]


def _snapshots(requests: float) -> float:
    restored = min(requests / _SANDBOX_REQUESTS, _NEW_SANDBOXES) * _memory_gb()
    kept = _memory_gb() * _SECONDS * PRICE["snapshot_gb_second"]
    return kept + restored * PRICE["snapshot_restored_gb"]


def _administered() -> float:
    """Return the price of requests and audits: three lists of the ledger and three entries each."""
    seconds = _CHANGES * _COLD_SECONDS + _SWEEPS * _AUDIT_SECONDS
    asked = 3 * _SWEEPS / 1e3 * (PRICE["s3_thousand_writes"] + PRICE["s3_thousand_reads"])
    calls = (_CHANGES + _SWEEPS) / 1e6 * PRICE["lambda_million"]
    return calls + asked + seconds * _memory_gb() * PRICE["lambda_gb_second"]


def _retrain() -> float:
    calls, seconds, gigabytes = _UPLOADS + _SWEEPS, 0.2, 0.25
    worked = calls * seconds * gigabytes * PRICE["lambda_gb_second"]
    return calls / 1e6 * PRICE["lambda_million"] + worked


def _training_job() -> float:
    an_hour = (
        _job_size("VCPU") * PRICE["fargate_vcpu_hour"]
        + _job_size("MEMORY") / 1024 * PRICE["fargate_gb_hour"]
    )
    return _JOB_MINUTES / 60 * an_hour


def _storage() -> float:
    writes, reads = _UPLOADS * 100, _UPLOADS * 200
    calls = writes / 1e3 * PRICE["s3_thousand_writes"] + reads / 1e3 * PRICE["s3_thousand_reads"]
    return _KEPT_GB * PRICE["s3_gb"] + calls + _sweeps()


def _sweeps() -> float:
    """Return the price of the sweeps' requests: a page of jobs, one of uploads, and the walk.

    A process of the function remembers which jobs have ended: it reads none of them again.
    """
    lists = _SWEEP_LISTS / 1e3 * PRICE["s3_thousand_writes"] + PRICE["s3_thousand_reads"] / 1e3
    return _SWEEPS * lists


def _secrets(requests: float) -> float:
    """Return the price of the secrets: busy sandboxes read expired keys again."""
    period = float(PredictSettings.model_fields["api_keys_ttl_seconds"].default)
    sandboxes = max(1, math.ceil(requests / _SECONDS * _BILLED_SECONDS * 2))
    reads = min(requests, sandboxes * _SECONDS / period)
    return PRICE["secret"] + reads / 1e4 * PRICE["secret_ten_thousand"]


def _logs(requests: float) -> float:
    gigabytes = requests * (line_bytes() + len(_PLATFORM_LINES)) / 1e9
    return gigabytes * (PRICE["logs_gb"] + 0.15 * PRICE["logs_kept_gb"])  # zipped to a seventh


def _watched() -> float:
    fixed = sum(kept_metrics().values()) * PRICE["metric"]
    return fixed + next(iter(watching_choices().values()))


def _alerts() -> float:
    return _ALERTS * (PRICE["sns_million"] / 1e6 + PRICE["sns_mails_thousand"] / 1e3)


def _kept_predictions(requests: float) -> float:
    gigabytes = requests * line_bytes() / 1e9
    each = PRICE["firehose_gb"] + PRICE["firehose_parquet_gb"] + 0.2 * PRICE["s3_gb"]
    return gigabytes * each + _QUERIES_TB * PRICE["athena_tb"]


def _web_acl(requests: float) -> float:
    rules = _WEB_ACL_RULES * PRICE["waf_rule"]
    return PRICE["waf_acl"] + rules + requests / 1e6 * PRICE["waf_million"]


def _constant(cost: float) -> Callable[[float], float]:
    return lambda _: cost


def _value(value: Any) -> float:
    """Return a number of the template, or the default of the parameter that it refers to."""
    if isinstance(value, Mapping):
        value = _TEMPLATE["Parameters"][value["Ref"]]["Default"]
    return float(value)


def _memory_gb() -> float:
    return _value(_TEMPLATE["Resources"]["PredictFunction"]["Properties"]["MemorySize"]) / 1024


def _job_size(kind: str) -> float:
    container = _TEMPLATE["Resources"]["JobDefinition"]["Properties"]["ContainerProperties"]
    sizes = {item["Type"]: item["Value"] for item in container["ResourceRequirements"]}
    return _value(sizes[kind])


def _measured_fit_seconds() -> float:
    results = json.loads((ROOT / "benchmarks/results/model.json").read_text())
    return float(results["job"]["seconds"])


# ---- watching ------------------------------------------------------------------------------------
def watching_choices() -> dict[str, float]:
    """Return the monthly price of each way to monitor, without the metrics and lines of all."""
    dashboards = sum(_is(resource, "Dashboard") for resource in _TEMPLATE["Resources"].values())
    asked = (len(COUNTERS) + len(GAUGES)) * PRICE["metrics_asked_thousand"] / 1e3
    a_scrape, of_hours = _scrape_by(_EXPORTER), hours_cost()
    return {
        "CloudWatch alone: alarms and dashboard": _alarm_metrics() * PRICE["alarm_metric"]
        + dashboards * PRICE["dashboard"],
        "`GET /metrics`, scraped every minute": asked * _MINUTES,
        "YACE, every minute": a_scrape * _MINUTES + of_hours,
        "YACE, every five minutes": a_scrape * _MINUTES / 5 + of_hours,
    }


def hours_cost() -> float:
    """Return what the exporter of whole hours costs a month."""
    return _scrape_by(_HOURS) * _MINUTES / _MINUTES_BETWEEN_HOURS


def _scrape_by(exporter: Mapping[str, Any]) -> float:
    asked = asked_by(exporter) * PRICE["metrics_asked_thousand"]
    return (asked + _lists_by(exporter) * PRICE["metrics_listed_thousand"]) / 1e3


def _watched_by(fixed: float, logged: float) -> Callable[[float], float]:
    return lambda requests: fixed + requests / 1e6 * logged


def _alarm_metrics() -> int:
    resources = _TEMPLATE["Resources"].values()
    return sum(_watches(resource["Properties"]) for resource in resources if _is(resource, "Alarm"))


def _is(resource: Mapping[str, Any], kind: str) -> bool:
    return bool(resource["Type"] == f"AWS::CloudWatch::{kind}")


def _watches(alarm: Mapping[str, Any]) -> int:
    return sum("MetricStat" in entry for entry in alarm.get("Metrics", ())) or 1


def kept_metrics() -> dict[tuple[str, str], int]:
    """Count the metrics in CloudWatch: each name once per value of its dimensions."""
    by_column = {metric_names.DRIFT_PSI, metric_names.DRIFT_KS}
    of_shadow = [name for name in PREDICT_UNITS if name.startswith("Shadow")]
    return {
        ("of requests and the model", "service=predict"): len(PREDICT_UNITS),
        ("of jobs", "service=training"): len(JOB_UNITS.keys() - by_column),
        (", ".join(f"`{name}`" for name in _OF_RETRAIN), "service=retrain"): len(_OF_RETRAIN),
        ("`PredictionErrors`", "service, reason"): len(REASONS),
        ("`DriftPsi`, `DriftKs`", "service, column"): len(by_column) * len(CANONICAL_COLUMNS),
        ("`Shadow…`, of one challenger", "service, challenger_version"): len(of_shadow),
    }


def asked_by(exporter: Mapping[str, Any]) -> int:
    """Count the statistics that one scrape requests: each of each set of dimensions."""
    own = sum(
        _sets(job["name"], metric["name"]) * len(metric["statistics"])
        for job in exporter["customNamespace"]
        for metric in job["metrics"]
    )
    functions = {"AWS/Lambda": 3, "AWS/ApiGateway": 1, "AWS/S3": 1}
    return own + sum(
        functions[job["type"]] * sum(len(metric["statistics"]) for metric in job["metrics"])
        for job in exporter["discovery"]["jobs"]
    )


def _sets(job: str, metric: str) -> int:
    """Return the number of sets of dimensions of a metric in CloudWatch."""
    if job == "service":
        return sum(metric in units for units in (PREDICT_UNITS, JOB_UNITS, _OF_RETRAIN))
    return {"reason": len(REASONS), "column": len(CANONICAL_COLUMNS)}[job]


def _lists_by(exporter: Mapping[str, Any]) -> int:
    jobs = [*exporter["customNamespace"], *exporter["discovery"]["jobs"]]
    return sum(len(job["metrics"]) for job in jobs)


def _jobs(exporter: Mapping[str, Any]) -> int:
    return len(exporter["customNamespace"]) + len(exporter["discovery"]["jobs"])


def line_bytes() -> int:
    """Return the size of the log line of a request for one row."""
    lines: list[bytes] = []
    model = ServedModel(
        ModelVersion("california-housing", "12", "0" * 32, datetime(2026, 11, 1, tzinfo=UTC)),
        cast("Predictor", SimpleNamespace(trees=Trees.LIBRARY)),  # telemetry reads nothing else
        datetime(2026, 11, 2, tzinfo=UTC),
    )
    row = {
        "features": {column.name: column.example for column in FEATURES},
        "price": 4.526,
        "interval": Prediction(4.526, 3.9, 5.0)[1:3],
        "nearest_training_km": 0.41,
    }
    call = Request("POST", "/predict", "application/json", b"", None, "0" * 36, "0" * 36)
    Telemetry(lines.append).log_prediction(call, model, 1.234, 1, lambda _: [row])
    return round(len(lines[0]), -2)


def _pays_from(watching: float) -> float:
    """Return the requests a month from which monitoring costs less than a tenth of serving."""
    return round(watching / (0.1 * served(1e6)) * 1e6, -6)


# ---- the page ------------------------------------------------------------------------------------
def _bill(parts: list[Part]) -> str:
    head = ["$ a month, at predictions a month:", *(f"{requests:,}" for requests in _REQUESTS)]
    return _table(
        head, [[part.name, *(f"{part.cost(n):,.2f}" for n in _REQUESTS)] for part in parts]
    )


def _price_table() -> str:
    return _table(
        ["$", "for a", "page"],
        [
            [_plain(price["price"]), price["unit"] + _doubt(price), f"<{price['page']}>"]
            for price in _PRICES.values()
        ],
    )


def _plain(price: float) -> str:
    return f"{price:.10f}".rstrip("0").ljust(4, "0")


def _doubt(price: Mapping[str, Any]) -> str:
    return " (unsure)" if price.get("unsure") else ""


def _table(head: list[str], rows: list[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
