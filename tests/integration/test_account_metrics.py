"""``GET /metrics`` of the deployed API, out of the endpoint's CloudWatch."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from housing.metrics import names
from integration.running_stack import RunningStack
from predict.telemetry.account_metrics import DELAY

pytestmark = pytest.mark.integration
REASON = "model_output"  # none of the other tests has a model fail
SERVICE = {"Name": names.SERVICE_DIMENSION, "Value": "predict"}
Samples = dict[tuple[str, str | None], float]


def put(stack: RunningStack, minutes_ago: float, metrics: dict[str, list[float]]) -> None:
    """Have requests counted, beside those of the other tests."""
    now = datetime.now(UTC)
    month = (now - DELAY).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    stack.client("cloudwatch").put_metric_data(
        Namespace=names.NAMESPACE,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [
                    SERVICE,
                    *(
                        [{"Name": names.REASON_DIMENSION, "Value": REASON}]
                        if name == names.PREDICTION_ERRORS
                        else []
                    ),
                ],
                "Timestamp": max(now - timedelta(minutes=minutes_ago), month),
                "Values": values,
            }
            for name, values in metrics.items()
        ],
    )


@pytest.fixture(scope="module")
def scraped(stack: RunningStack) -> Samples:
    """Scrape once, as it answers anew only once a minute: name and the label's value → number."""
    for minutes_ago in (90, 8.5, 6, 3.5):  # some of them in the last whole five minutes
        put(
            stack,
            minutes_ago,
            {
                names.PREDICTION_REQUESTS: [1.0] * 4,
                names.PREDICTION_SUCCESS: [1.0] * 3,
                names.PREDICTION_LATENCY: [10.125, 20.25, 40.5],
                names.PREDICTION_ERRORS: [1.0],
            },
        )
    with stack.api() as api:
        answer = api.get("/metrics").raise_for_status()
    return {
        (sample.name, next(iter(sample.labels.values()), None)): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture(scope="module")
def until(scraped: Samples) -> datetime:
    return datetime.fromtimestamp(scraped["housing_metrics_until_timestamp_seconds", None], UTC)


def said(
    stack: RunningStack, metric: str, start: datetime, end: datetime, **what: list[str]
) -> list[dict[str, Any]]:
    """Return what CloudWatch says by its other operation."""
    points: list[dict[str, Any]] = stack.client("cloudwatch").get_metric_statistics(
        Namespace=names.NAMESPACE,
        MetricName=metric,
        Dimensions=[SERVICE],
        StartTime=start,
        EndTime=end,
        Period=300,
        **what,
    )["Datapoints"]
    return points


def test_put_metrics_are_exposed_as_counters(scraped: Samples) -> None:
    assert scraped["prediction_error_total", REASON] == 4
    assert scraped["prediction_error_total", "unexpected"] == 0


def test_counters_end_two_minutes_ago(until: datetime) -> None:
    assert until.second == 0
    assert until <= datetime.now(UTC) - DELAY


@pytest.mark.parametrize(
    ("exposed", "metric", "statistic", "unit"),
    [
        ("prediction_requests_total", names.PREDICTION_REQUESTS, "Sum", 1),
        ("prediction_success_total", names.PREDICTION_SUCCESS, "Sum", 1),
        ("prediction_latency_seconds_count", names.PREDICTION_LATENCY, "SampleCount", 1),
        ("prediction_latency_seconds_sum", names.PREDICTION_LATENCY, "Sum", 1_000),
    ],
)
def test_counts_and_sums_equal_those_of_cloudwatch(  # noqa: PLR0913, PLR0917 - a row of a table
    stack: RunningStack,
    scraped: Samples,
    until: datetime,
    exposed: str,
    metric: str,
    statistic: str,
    unit: float,
) -> None:
    month = (until - timedelta(minutes=1)).replace(day=1, hour=0, minute=0)
    points = said(stack, metric, month, until, Statistics=[statistic])

    total = sum(point[statistic] for point in points)
    assert total > 0
    assert scraped[exposed, None] == pytest.approx(total / unit, rel=1e-12)


def test_quantiles_are_those_of_the_last_whole_five_minutes(
    stack: RunningStack, scraped: Samples, until: datetime
) -> None:
    end = datetime.fromtimestamp(until.timestamp() // 300 * 300, UTC)
    start = end - timedelta(minutes=5)
    if start.month != until.month:
        pytest.skip("a month has just begun: no point was put into the five minutes before it")
    [measured] = said(stack, names.PREDICTION_LATENCY, start, end, Statistics=["Maximum"])
    [ranked] = said(stack, names.PREDICTION_LATENCY, start, end, ExtendedStatistics=["p50"])

    p50, p90, p99 = (
        scraped["prediction_latency_seconds", quantile] * 1_000
        for quantile in ("0.5", "0.9", "0.99")
    )
    assert p50 == pytest.approx(ranked["ExtendedStatistics"]["p50"])
    # MiniStack's two operations rank few values differently: of three, p90 is 36.45 or 40.5.
    assert p50 < p90 <= p99 <= measured["Maximum"]


def test_it_wants_a_key(stack: RunningStack) -> None:
    with stack.api(key="") as api:
        assert api.get("/metrics").status_code == 403
