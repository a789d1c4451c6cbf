"""The challenger's shadow metrics in the gate's report."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import NoRegionError
from moto import mock_aws

from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from housing.errors import RegistryUnavailableError
from housing.jobs.results import Verdict
from housing.registry.port import CHALLENGER, MODEL_FILE, ModelVersion, Tag
from predict.messages import Request
from predict.model.loading import ServedModel
from predict.model.predictor import Predictor
from predict.telemetry.comparison import TIMED_OUT, Differences
from predict.telemetry.telemetry import Telemetry
from retrain.training.gate.shadow_report import CloudWatchShadowReport, with_shadow
from retrain.training.job.program import job_context
from retrain.training.model.workers import InThisProcess
from retrain.training.settings import TrainingSettings

NOW = datetime.now(UTC).replace(microsecond=0)
VERDICT = Verdict(promote=True, reason="better", challenger_rmse=0.4, holdout_rows=10)
CALL = Request("POST", "/predict", "application/json", b"{}")
SERVED = ServedModel(
    ModelVersion("california-housing", "7", "run", NOW), Predictor(linear_model()), NOW
)


class Emf:
    """Makes metrics of log lines, as CloudWatch does."""

    def __init__(self, cloudwatch: Any) -> None:
        self._cloudwatch = cloudwatch

    def __call__(self, text: bytes, /) -> None:
        """Take a line."""
        line = json.loads(text)
        for directive in line["_aws"]["CloudWatchMetrics"]:
            data = [
                {
                    "MetricName": metric["Name"],
                    "Value": line[metric["Name"]],
                    "Timestamp": datetime.fromtimestamp(line["_aws"]["Timestamp"] / 1_000, UTC),
                    "Dimensions": [{"Name": name, "Value": line[name]} for name in names],
                }
                for metric in directive["Metrics"]
                for names in directive["Dimensions"]
            ]
            self._cloudwatch.put_metric_data(Namespace=directive["Namespace"], MetricData=data)


@pytest.fixture
def cloudwatch() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("cloudwatch", region_name="us-east-1")


@pytest.fixture
def report(cloudwatch: Any) -> CloudWatchShadowReport:
    return CloudWatchShadowReport(lambda: cloudwatch, days=7, now=lambda: NOW)


def version(number: str, sha256: str = "a" * 64) -> ModelVersion:
    return ModelVersion("housing", number, "run", NOW, {Tag.SHA256: sha256})


def tell(
    cloudwatch: Any, challenger: ModelVersion, differences: Differences | str, *, days_ago: float
) -> None:
    telemetry = Telemetry(Emf(cloudwatch), now=lambda: NOW - timedelta(days=days_ago))
    telemetry.log_comparison(CALL, SERVED, challenger.unique_name, 1, differences)


def apart(mean: float, worst: float) -> Differences:
    return Differences(mean, worst, latency_ms=0.1, prices=[(1.0, 1.1)])


def test_figures_are_those_of_one_version_over_the_last_days(
    cloudwatch: Any, report: CloudWatchShadowReport
) -> None:
    for _ in range(3):
        tell(cloudwatch, version("8"), apart(0.1, 0.2), days_ago=1)
    tell(cloudwatch, version("8"), apart(0.5, 0.9), days_ago=3)
    tell(cloudwatch, version("8"), TIMED_OUT, days_ago=2)
    tell(cloudwatch, version("8"), "ModelOutputError", days_ago=2)
    tell(cloudwatch, version("8"), apart(5.0, 9.0), days_ago=20)
    tell(cloudwatch, version("9"), apart(7.0, 9.0), days_ago=1)

    figures = report.figures(version("8"))

    assert figures is not None
    assert (figures.version, figures.days, figures.requests) == ("8", 7, 6)
    assert (figures.errors, figures.timed_out) == (1, 1)
    assert figures.mean_difference == pytest.approx(0.2)
    assert figures.worst_difference == pytest.approx(0.9)


def test_a_version_that_never_ran_has_no_figures(
    cloudwatch: Any, report: CloudWatchShadowReport
) -> None:
    tell(cloudwatch, version("8"), apart(0.1, 0.2), days_ago=1)

    assert report.figures(version("9")) is None


def test_a_version_of_a_registry_that_was_rebuilt_has_figures_of_its_own(
    cloudwatch: Any, report: CloudWatchShadowReport
) -> None:
    tell(cloudwatch, version("8", "b" * 64), apart(5.0, 9.0), days_ago=1)
    assert report.figures(version("8")) is None

    tell(cloudwatch, version("8"), apart(0.1, 0.2), days_ago=1)

    figures = report.figures(version("8"))
    assert figures is not None
    assert figures.requests == 1
    assert figures.worst_difference == pytest.approx(0.2)


def test_a_version_that_only_failed_has_no_differences(
    cloudwatch: Any, report: CloudWatchShadowReport
) -> None:
    tell(cloudwatch, version("8"), TIMED_OUT, days_ago=1)

    figures = report.figures(version("8"))

    assert figures is not None
    assert (figures.requests, figures.timed_out) == (1, 1)
    assert (figures.mean_difference, figures.worst_difference) == (None, None)


@pytest.fixture
def challenged(registry: FakeModelRegistry) -> FakeModelRegistry:
    registry.register({MODEL_FILE: linear_model()})
    registry.set_alias(CHALLENGER, "1")
    return registry


def test_a_verdict_carries_the_figures_of_the_present_challenger(
    cloudwatch: Any, report: CloudWatchShadowReport, challenged: FakeModelRegistry
) -> None:
    tell(cloudwatch, challenged.version("1"), apart(0.1, 0.2), days_ago=1)

    verdict = with_shadow(VERDICT, challenged, report)

    assert verdict.shadow is not None
    assert (verdict.shadow.version, verdict.shadow.requests) == ("1", 1)
    assert verdict.model_copy(update={"shadow": None}) == VERDICT


def test_without_a_challenger_cloudwatch_is_not_asked(registry: FakeModelRegistry) -> None:
    def ask() -> Any:
        pytest.fail("it was asked")

    assert with_shadow(VERDICT, registry, CloudWatchShadowReport(ask, days=7)) == VERDICT


def test_a_job_without_a_report_makes_no_call(challenged: FakeModelRegistry) -> None:
    challenged.calls.clear()

    assert with_shadow(VERDICT, challenged, None) is VERDICT
    assert challenged.calls == []


class Garbled:
    """A CloudWatch that answers something else."""

    def get_metric_data(self, **_: Any) -> dict[str, Any]:
        return {}


def without_region() -> Any:
    raise NoRegionError


@pytest.mark.parametrize("source", [without_region, Garbled])
def test_trouble_with_cloudwatch_changes_no_verdict(
    challenged: FakeModelRegistry, source: Any
) -> None:
    assert with_shadow(VERDICT, challenged, CloudWatchShadowReport(source, days=7)) == VERDICT


def test_trouble_with_the_registry_changes_no_verdict(
    report: CloudWatchShadowReport, challenged: FakeModelRegistry
) -> None:
    challenged.fails_with = RegistryUnavailableError("down")

    assert with_shadow(VERDICT, challenged, report) == VERDICT


def test_a_real_refusal_of_aws_changes_no_verdict(challenged: FakeModelRegistry) -> None:
    class Refusing:
        """A client whose role lacks the right."""

        def get_metric_data(self, **_: Any) -> dict[str, Any]:
            answer = {"Error": {"Code": "AccessDenied", "Message": "no"}}
            raise boto3.client("cloudwatch").exceptions.ClientError(answer, "GetMetricData")

    assert with_shadow(VERDICT, challenged, CloudWatchShadowReport(Refusing, days=7)) == VERDICT


@pytest.mark.parametrize(("days", "is_asked_for"), [(0, False), (7, True)])
def test_a_shadow_is_reported_over_the_days_that_are_set(
    monkeypatch: pytest.MonkeyPatch, days: int, *, is_asked_for: bool
) -> None:
    monkeypatch.setenv("HOUSING_BUCKET", "housing-test")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://registry.test")
    monkeypatch.setenv("HOUSING_SHADOW_DAYS", str(days))

    report = job_context(TrainingSettings(), InThisProcess()).shadow_report

    assert isinstance(report, CloudWatchShadowReport) is is_asked_for
