"""What happened in the stack is what Prometheus says: counts exact, latency too, one alert told."""

import json
import re
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from housing.jobs.status import JobStatus, State
from housing.metrics import names
from integration.running_stack import RunningStack, wait_for
from monitoring.chain import PERIOD_SECONDS, Chain
from monitoring.programs import CHECKOUT
from monitoring.traffic import (
    BODY_BAD,
    FIELDS_BAD,
    GOOD,
    GOOD_ONES,
    compare_in_shadow,
    logged,
    put_aws_metrics,
    send_all,
)
from subjects.california.sample import generate

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

ROWS = 600
REQUESTS_OF_AWS = 230
WHILE_IT_CAME_UP = "api_keys_unavailable"
"""A machine too busy to fetch the keys in time refuses the first requests, before those of here."""
SLOW_MILLISECONDS = 500
"""Over it, an answer counts against the objective of latency (prometheus/slo.yaml)."""


@pytest.fixture(scope="module")
def predictions(stack: RunningStack, chain: Chain) -> None:
    """Send the requests."""
    chain.wait_for_value('up{job="yace"}', 1)
    send_all(stack)


@pytest.fixture(scope="module")
def retraining(stack: RunningStack, chain: Chain) -> JobStatus:
    """Upload rows, some of them bad, and wait for the job's end."""
    chain.wait_for_value('up{job="yace"}', 1)
    rows = generate(rows=ROWS, seed=2)
    rows.loc[:9, "MedInc"] = -1.0
    job = stack.finished(stack.put("more.csv", rows.to_csv(index=False).encode()))
    assert job.state == State.SUCCEEDED, job.reason
    return job


@pytest.fixture(scope="module")
def comparisons(stack: RunningStack, retraining: JobStatus) -> None:
    """Have a challenger in shadow."""
    assert retraining.model_version
    compare_in_shadow(stack)


@pytest.fixture(scope="module")
def aws_metrics(stack: RunningStack, chain: Chain) -> int:
    """Put what AWS counts of its own; return of how many requests."""
    chain.wait_for_value('up{job="yace"}', 1)
    put_aws_metrics(stack, REQUESTS_OF_AWS)
    return REQUESTS_OF_AWS


@pytest.mark.usefixtures("predictions")
def test_requests_are_counted_exactly_and_errors_by_reason(
    stack: RunningStack, chain: Chain
) -> None:
    lines = logged(stack)
    reasons = Counter(line["reason"] for line in lines if "reason" in line)

    chain.wait_for_value("prediction_requests_total", len(lines))

    sent = {"invalid_fields": FIELDS_BAD, "malformed_body": BODY_BAD}
    assert {reason: n for reason, n in reasons.items() if reason != WHILE_IT_CAME_UP} == sent
    assert len(lines) >= GOOD_ONES + FIELDS_BAD + BODY_BAD
    for reason, count in reasons.items():  # YACE reads them by a job of their own
        chain.wait_for_value(f'prediction_error_total{{reason="{reason}"}}', count)
    assert chain.values("prediction_error_total", "reason") == reasons
    successes = len(lines) - reasons.total()
    for name in (
        "prediction_success_total",
        "prediction_latency_seconds_count",
        "housing_rows_predicted_total",
    ):
        chain.wait_for_value(name, successes)
    chain.wait_for_value("housing_cold_starts_total", sum(line["ColdStart"] for line in lines))
    assert chain.value("housing_model_stale") == 0


@pytest.mark.usefixtures("predictions")
def test_latency_is_that_of_the_log(stack: RunningStack, chain: Chain) -> None:
    by_window: dict[int, list[float]] = defaultdict(list)
    for line in logged(stack):
        if names.PREDICTION_LATENCY in line:
            at = line["_aws"]["Timestamp"] // 1_000 // PERIOD_SECONDS * PERIOD_SECONDS
            by_window[at].append(line[names.PREDICTION_LATENCY])
    everything = [value for values in by_window.values() for value in values]
    chain.wait_for_value("prediction_latency_seconds_count", len(everything))

    [points] = chain.ask('cloudwatch{metric="prediction_latency",statistic="p50"}[10m]')

    told = {int(at): float(value) for at, value in points["values"]}
    assert told == {
        at: pytest.approx(statistics.median(values))
        for at, values in by_window.items()
        if at in told
    }
    assert max(by_window) in told
    assert chain.value("prediction_latency_seconds_sum") == pytest.approx(sum(everything) / 1_000)
    newest = statistics.median(by_window[max(by_window)]) / 1_000
    assert chain.value('prediction_latency_seconds{quantile="0.5"}') == pytest.approx(newest)


@pytest.mark.usefixtures("predictions")
def test_a_counter_begins_at_zero_so_that_its_first_step_is_an_increase(chain: Chain) -> None:
    chain.wait_for_value('prediction_error_total{reason="malformed_body"}', BODY_BAD)

    [points] = chain.ask('prediction_error_total{reason="malformed_body"}[10m]')
    values = [float(value) for _, value in points["values"]]

    assert values[0] == 0
    assert values == sorted(values)


def test_a_job_is_told_with_its_figures(chain: Chain, retraining: JobStatus) -> None:
    verdict, live, drift, rows = (
        retraining.verdict,
        retraining.live,
        retraining.drift,
        retraining.rows,
    )
    assert verdict
    assert live
    assert drift
    assert rows

    chain.wait_for_value("housing_jobs_succeeded_total", 2)  # make run's own, and this one

    assert chain.value("housing_jobs_started_total") == 2
    assert chain.value("housing_uploads_received_total") == 2
    assert chain.value("housing_jobs_failed_total") == 0
    assert chain.value("housing_jobs_rejected_total") == 0
    assert chain.value("housing_rows_rejected_total") == rows.rejected == 10
    assert chain.value("housing_models_promoted_total") == 1 + bool(retraining.promoted)
    figures = {
        "housing_challenger_rmse": verdict.challenger_rmse,
        "housing_champion_rmse": verdict.champion_rmse,
        "housing_live_rmse": live.rmse,
        "housing_interval_coverage": live.coverage,
        "housing_drifted_columns": len(drift.warnings),
    }
    assert {name: chain.value(name) for name in figures} == pytest.approx(figures)
    for name, of in (("housing_drift_psi", "psi"), ("housing_drift_ks", "ks")):
        expected = {column.name: getattr(column, of) for column in drift.columns}
        assert chain.values(name, "column") == pytest.approx(expected)


@pytest.mark.usefixtures("predictions")
def test_one_more_request_is_one_more_in_the_counter_soon(
    stack: RunningStack, chain: Chain, record_property: Callable[..., None]
) -> None:
    before = len(logged(stack))
    chain.wait_for_value("prediction_requests_total", before)
    sent = time.monotonic()
    with stack.api() as api:
        api.post("/predict", json=GOOD).raise_for_status()

    chain.wait_for_value("prediction_requests_total", before + 1)

    record_property("seconds_from_request_to_counter", round(time.monotonic() - sent, 1))


@pytest.mark.usefixtures("comparisons")
def test_a_challenger_in_shadow_is_told(stack: RunningStack, chain: Chain) -> None:
    lines = logged(stack, names.SHADOW_REQUESTS)

    def of(name: str) -> list[float]:
        return [line[name] for line in lines if name in line]

    chain.wait_for_value("housing_shadow_requests_total", len(lines))

    assert chain.value("housing_shadow_errors_total") == 0
    assert chain.value("housing_shadow_timed_out_total") == sum(of(names.SHADOW_TIMED_OUT))
    [points] = chain.ask('cloudwatch{metric="shadow_difference_worst",statistic="maximum"}[10m]')
    told = max(float(value) for _, value in points["values"])
    assert told == pytest.approx(max(of(names.SHADOW_DIFFERENCE_WORST)))


@pytest.mark.usefixtures("predictions")
def test_what_aws_counts_itself_is_told(
    stack: RunningStack, chain: Chain, aws_metrics: int
) -> None:
    chain.wait_for_value("housing_api_requests_total", aws_metrics)

    assert chain.value("housing_api_4xx_total") == chain.value("housing_api_5xx_total") == 0
    assert chain.value("housing_api_latency_seconds") == pytest.approx(0.0125)
    function = stack.env["HOUSING_PREDICT_LOG_GROUP"].removeprefix("/aws/lambda/")
    for name, value in {
        "housing_function_errors_total": 0,
        "housing_function_throttles_total": 0,
        "housing_function_concurrency": 1,
        "housing_function_duration_seconds": 0.0075,
    }.items():
        chain.wait_for_value(f'{name}{{function="{function}"}}', value)


def panels(*, of_alerts: bool) -> Iterator[Any]:
    for path in sorted((CHECKOUT / "monitoring/grafana/dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                identity = f"{path.stem}: {panel['title']}: {target['legendFormat']}"
                if ("ALERTS" in target["expr"]) == of_alerts:
                    yield pytest.param(target["expr"], id=identity)


@pytest.mark.parametrize("query", list(panels(of_alerts=False)))
@pytest.mark.usefixtures("predictions", "retraining", "comparisons", "aws_metrics")
def test_a_panel_has_data(chain: Chain, query: str) -> None:
    asked = query.replace("$__rate_interval", "4m")

    wait_for(lambda: chain.ask(asked), seconds=60)


@pytest.mark.usefixtures("predictions", "retraining")
def test_every_alert_can_be_asked_and_none_fires(stack: RunningStack, chain: Chain) -> None:
    groups = yaml.safe_load((CHECKOUT / "monitoring/prometheus/alerts.yaml").read_text())["groups"]

    for group in groups:
        for rule in group["rules"]:
            chain.ask(rule["expr"])
    assert "level=error" not in re.sub(r".*notifier.*", "", chain.prometheus.said())
    firing = chain.values('count by (alertname) (ALERTS{alertstate="firing"})', "alertname")
    assert "Watchdog" in firing
    assert set(firing) - {"Watchdog"} <= faults_of_the_machine(stack)


def faults_of_the_machine(stack: RunningStack) -> set[str]:
    """Return the alerts that a machine too busy for the stack has by right, by what was logged."""
    lines = logged(stack)
    faults = set()
    if any(line.get("reason") == WHILE_IT_CAME_UP for line in lines):
        faults.add("PredictionErrorBudgetBurn")
    if any(line.get(names.PREDICTION_LATENCY, 0) > SLOW_MILLISECONDS for line in lines):
        faults.add("PredictionLatencyBudgetBurn")
    return faults


def test_an_alert_fires_out_to_a_webhook_and_resolves(chain: Chain) -> None:
    def told(status: str, since: int) -> bool:
        return any(
            message["groupLabels"] == {"alertname": "ExporterDown"} and message["status"] == status
            for message in chain.received[since:]
        )

    # It may have fired while the chain came up, before the first scrape.
    wait_for(lambda: not chain.ask('ALERTS{alertname="ExporterDown"}'), seconds=60)
    stopped = len(chain.received)
    chain.yace.stop()
    try:
        wait_for(lambda: told("firing", stopped), seconds=90)
        for panel in panels(of_alerts=True):
            wait_for(lambda panel=panel: chain.ask(panel.values[0]), seconds=30)  # type: ignore[misc]
        fired = len(chain.received)
    finally:
        chain.yace.start()

    wait_for(lambda: told("resolved", fired), seconds=90)
