"""One name for one thing: code, exporter, recording rules, alerts and dashboards."""

import json
import re
from itertools import chain
from typing import Any

import pytest
import yaml

from housing.metrics import names as metric_names
from monitoring.programs import CHECKOUT
from predict.telemetry.account_metrics import SETTLED

MONITORING = CHECKOUT / "monitoring"
EXPORTER: dict[str, Any] = yaml.safe_load((MONITORING / "yace/config.yaml").read_text())
HOURS: dict[str, Any] = yaml.safe_load((MONITORING / "yace/hours.yaml").read_text())
PROMETHEUS = yaml.safe_load((MONITORING / "prometheus/prometheus.yaml").read_text())
OWN_JOBS: list[dict[str, Any]] = EXPORTER["customNamespace"]
AWS_JOBS: list[dict[str, Any]] = EXPORTER["discovery"]["jobs"]
WITH_TIMES = [job for job in OWN_JOBS + AWS_JOBS if job.get("type") != "AWS/S3"]
NAMES = {
    name: value
    for name, value in vars(metric_names).items()
    if name.isupper() and name != "NAMESPACE" and not name.endswith("_DIMENSION")
}
DIMENSIONS = {value for name, value in vars(metric_names).items() if name.endswith("_DIMENSION")}
LABELS = {"namespace", "metric", "statistic"}
OF_TIMES = {
    "housing_model_seen_timestamp_seconds",
    "housing_model_made_timestamp_seconds",
    "housing_model_age_seconds",
}
"""Records of when a point was, which continue from their own last value."""
NAME = r"\b(?:housing|prediction|service:\w+)[\w:]*"


def rules(name: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((MONITORING / f"prometheus/{name}.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


RECORDED = {rule["record"] for rule in rules("recording") + rules("slo")}


def snake_case(name: str) -> str:
    """Write a name as YACE does: 4XXError is 4_xxerror."""
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def exported() -> set[tuple[str, str, str]]:
    """Return namespace, metric and statistic of all that Prometheus gets."""
    jobs = [(job["namespace"], job) for job in OWN_JOBS] + [(job["type"], job) for job in AWS_JOBS]
    return {
        (
            namespace.lower().removeprefix("aws/"),
            snake_case(metric["name"]),
            snake_case(statistic),
        )
        for namespace, job in jobs
        for metric in job["metrics"]
        for statistic in metric["statistics"]
    }


def test_the_exporter_reads_every_metric_of_the_code_and_no_other() -> None:
    read = [metric["name"] for job in OWN_JOBS for metric in job["metrics"]]

    assert len(set(read)) == len(read)
    assert set(read) == set(NAMES.values())
    assert {job["namespace"] for job in OWN_JOBS} == {metric_names.NAMESPACE}


def test_dimensions_are_those_of_the_code() -> None:
    sets = [tuple(job["dimensionNameRequirements"]) for job in OWN_JOBS]

    assert sets == [
        (metric_names.SERVICE_DIMENSION,),
        (metric_names.SERVICE_DIMENSION, metric_names.REASON_DIMENSION),
        (metric_names.SERVICE_DIMENSION, metric_names.COLUMN_DIMENSION),
    ]
    assert set(chain.from_iterable(sets)) <= DIMENSIONS


@pytest.mark.parametrize("job", WITH_TIMES, ids=lambda job: job.get("name", job.get("type")))
def test_a_point_comes_whole_with_its_own_time_and_often_enough(job: dict[str, Any]) -> None:
    assert job["period"] == 60
    assert job["delay"] >= 120
    assert job["length"] % job["period"] == job["delay"] % job["period"] == 0
    assert job["length"] > 2 * 300  # outlasts a scrape that is missed, at YACE's own interval, too
    assert job["addCloudwatchTimestamp"]
    assert job["exportAllDataPoints"]
    assert "nilToZero" not in job


def sums(exporter: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Return the sums that are read, by namespace or type and dimensions, then by metric."""
    read: dict[str, dict[str, list[str]]] = {}
    for job in [*exporter["customNamespace"], *exporter["discovery"]["jobs"]]:
        of = (job.get("namespace") or job["type"], *job["dimensionNameRequirements"])
        for metric in job["metrics"]:
            if added := [one for one in metric["statistics"] if one in {"Sum", "SampleCount"}]:
                read.setdefault(" ".join(of), {})[metric["name"]] = added
    return read


def test_the_exporter_of_hours_reads_every_sum_again_and_nothing_else() -> None:
    jobs = [*HOURS["customNamespace"], *HOURS["discovery"]["jobs"]]

    assert sums(HOURS) == sums(EXPORTER)
    assert {one for job in jobs for m in job["metrics"] for one in m["statistics"]} == {
        "Sum",
        "SampleCount",
    }


def test_an_hour_is_read_whole_and_settled() -> None:
    for job in [*HOURS["customNamespace"], *HOURS["discovery"]["jobs"]]:
        assert job["period"] == job["roundingPeriod"] == 3600
        assert job["delay"] >= SETTLED.total_seconds()
        assert job["delay"] % 3600 == job["length"] % 3600 == 0
        assert job["addCloudwatchTimestamp"]
        assert job["exportAllDataPoints"]


def test_prometheus_takes_what_the_hours_send_however_old_it_is() -> None:
    window = PROMETHEUS["storage"]["tsdb"]["out_of_order_time_window"]
    [job, *_] = HOURS["customNamespace"]

    oldest = job["length"] + job["delay"] + job["period"]
    assert int(window.removesuffix("h")) * 3600 > oldest


def test_rules_take_exactly_what_is_exported() -> None:
    taken = set()
    for rule in rules("recording"):
        for selector in re.findall(r"cloudwatch(?::events:total)?\{([^}]*)\}", rule["expr"]):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', selector))
            if set(labels) >= LABELS:
                taken.add((labels["namespace"], labels["metric"], labels["statistic"]))

    assert taken == exported()


def test_prometheus_takes_every_exported_name_apart() -> None:
    relabelled, of_hours = (
        job["metric_relabel_configs"]
        for job in PROMETHEUS["scrape_configs"]
        if job["job_name"].startswith("yace")
    )
    assert of_hours == relabelled
    [pattern] = {rule["regex"] for rule in relabelled if rule.get("regex", "").startswith("aws_")}

    for namespace, metric, statistic in exported():
        match = re.fullmatch(pattern, f"aws_{namespace}_{metric}_{statistic}")
        assert match
        assert match.groups() == (namespace, metric, statistic)


def test_totals_are_of_sums_and_gauges_are_not() -> None:
    for rule in rules("recording"):
        if re.search(r"_(total|sum|count)$", rule["record"]):
            assert re.search(r"cloudwatch:(events|late):total\{", rule["expr"])
        elif rule["record"] not in OF_TIMES and not rule["record"].startswith("cloudwatch:"):
            assert "last_over_time(cloudwatch{" in rule["expr"]


@pytest.mark.parametrize("name", ["alerts", "slo"])
def test_rules_ask_for_names_that_are_recorded(name: str) -> None:
    for rule in rules(name):
        asked = set(re.findall(NAME, re.sub(r'"[^"]*"', "", rule["expr"])))
        assert asked <= RECORDED, rule.get("alert", rule.get("record"))


@pytest.mark.parametrize(
    "path", sorted((MONITORING / "grafana/dashboards").glob("*.json")), ids=lambda path: path.stem
)
def test_panels_ask_for_names_that_are_recorded(path: Any) -> None:
    asked = {
        name
        for panel in json.loads(path.read_text())["panels"]
        for target in panel.get("targets", [])
        for name in re.findall(NAME, re.sub(r'"[^"]*"', "", target["expr"]))
    }

    assert asked
    assert asked <= RECORDED
