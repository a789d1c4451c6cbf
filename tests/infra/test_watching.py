"""The template's alarms and dashboard watch metrics that the code writes."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from housing.metrics import names as metric_names
from housing_ops.checkout import CHECKOUT
from housing_ops.template import load
from predict.errors import STATUS

NAMES = {
    value
    for name, value in vars(metric_names).items()
    if name.isupper() and not name.endswith("_DIMENSION") and name != "NAMESPACE"
}
SERVICES = {"predict", "retrain", "training"}
SERVER_ERROR = 500
NAMES_OF_THE_MODEL = {
    metric_names.MODEL_VERSION,
    metric_names.MODEL_STALENESS,
    metric_names.MODEL_AGE,
}
ERRORS = {name for name in NAMES if name.endswith(("Rmse", "LogLoss"))}


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    declared: dict[str, Any] = load(CHECKOUT / "infra/template.yaml")["Resources"]
    return declared


@pytest.fixture(scope="module")
def alarms(resources: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def metrics_of(alarm: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "MetricName" in alarm:
        yield alarm
    for entry in alarm.get("Metrics", ()):
        if "MetricStat" in entry:
            yield entry["MetricStat"]["Metric"]


def test_alarms_watch_metrics_that_are_written(alarms: dict[str, dict[str, Any]]) -> None:
    watched = [metric for alarm in alarms.values() for metric in metrics_of(alarm)]
    own = [metric for metric in watched if metric["Namespace"] == metric_names.NAMESPACE]

    assert len(own) >= 8
    assert {metric["MetricName"] for metric in own} <= NAMES
    namespaces = {metric_names.NAMESPACE, "AWS/Lambda", "AWS/ApiGateway"}
    assert {metric["Namespace"] for metric in watched} == namespaces
    for metric in own:
        first, *others = metric["Dimensions"]
        assert first["Name"] == metric_names.SERVICE_DIMENSION
        assert first["Value"] in SERVICES
        assert [entry["Name"] for entry in others] in ([], [metric_names.REASON_DIMENSION])


def test_every_alarm_notifies_the_topic_and_ignores_missing_data(
    alarms: dict[str, dict[str, Any]],
) -> None:
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == [{"Ref": "AlertTopic"}]
        assert alarm["TreatMissingData"] == "notBreaching"


def test_the_latency_alarm_also_evaluates_few_requests(
    alarms: dict[str, dict[str, Any]],
) -> None:
    alarm = alarms["PredictionLatencyAlarm"]

    # "ignore" would keep its state below 1,000 requests in the time, which is for ever for many.
    assert alarm.get("EvaluateLowSampleCountPercentile", "evaluate") == "evaluate"
    assert alarm["ExtendedStatistic"] == "p99"
    assert alarm["EvaluationPeriods"] >= 3


def test_the_error_alarm_counts_all_reasons_that_are_our_fault(
    alarms: dict[str, dict[str, Any]],
) -> None:
    ours = {error.reason for error, status in STATUS.items() if status >= SERVER_ERROR}
    alarm = alarms["PredictionErrorAlarm"]

    counted = {
        metric["Dimensions"][1]["Value"]
        for metric in metrics_of(alarm)
        if metric["MetricName"] == metric_names.PREDICTION_ERRORS
    }

    assert counted == ours | {"unexpected"}
    summed = next(entry for entry in alarm["Metrics"] if entry["Id"] == "ours")["Expression"]
    ids = {entry["Id"] for entry in alarm["Metrics"]} - {"ratio", "ours", "requests"}
    assert set(re.findall(r"FILL\((\w+), 0\)", summed)) == ids


def test_the_dashboard_shows_metrics_that_are_written(resources: dict[str, Any]) -> None:
    body = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(body)["widgets"]

    shown = [metric for widget in widgets for metric in widget["properties"]["metrics"]]
    searches = [metric[0]["expression"] for metric in shown if isinstance(metric[0], dict)]
    named = [metric for metric in shown if isinstance(metric[0], str)]

    assert len(named) >= 15
    for namespace, name, dimension, service, *_ in named:
        assert (namespace, dimension) == (
            metric_names.NAMESPACE,
            metric_names.SERVICE_DIMENSION,
        )
        assert name in NAMES
        assert service in SERVICES
    for search in searches:
        schema, name = re.findall(r"\{(.*?)\}|MetricName=\"(\w+)\"", search)
        dimensions = {metric_names.REASON_DIMENSION, metric_names.COLUMN_DIMENSION}
        assert schema[0].split(",")[:2] == [metric_names.NAMESPACE, metric_names.SERVICE_DIMENSION]
        assert schema[0].split(",")[2] in dimensions
        assert name[1] in NAMES
    assert {name for _, name, *_ in named} >= NAMES_OF_THE_MODEL | ERRORS
    places = [(widget["x"], widget["y"]) for widget in widgets]
    assert len(set(places)) == len(places)
