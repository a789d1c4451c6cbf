"""``GET /metrics`` of the deployed API, out of the endpoint's CloudWatch."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from housing import metric_names as names
from integration.running_stack import RunningStack
from predict.account_metrics import DELAY

pytestmark = pytest.mark.integration
REASON = "model_output"  # none of the other tests has a model fail


def test_what_cloudwatch_counted_is_told_as_counters(stack: RunningStack) -> None:
    now = datetime.now(UTC)
    month = (now - DELAY).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    dimensions = [
        {"Name": names.SERVICE_DIMENSION, "Value": "predict"},
        {"Name": names.REASON_DIMENSION, "Value": REASON},
    ]
    counted = {now - timedelta(minutes=5): 3.0, now - timedelta(minutes=90): 4.0}
    stack.client("cloudwatch").put_metric_data(
        Namespace=names.NAMESPACE,
        MetricData=[
            {
                "MetricName": names.PREDICTION_ERRORS,
                "Dimensions": dimensions,
                "Timestamp": max(at, month),
                "Value": value,
                "Unit": "Count",
            }
            for at, value in counted.items()
        ],
    )

    with stack.api() as api:
        answer = api.get("/metrics").raise_for_status()

    found = {
        (sample.name, sample.labels.get("reason")): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert found["prediction_error_total", REASON] == 7
    assert found["prediction_requests_total", None] >= 0
    until = found["housing_metrics_until_timestamp_seconds", None]
    assert DELAY.total_seconds() <= now.timestamp() - until < DELAY.total_seconds() + 90


def test_it_wants_a_key(stack: RunningStack) -> None:
    with stack.api(key="") as api:
        assert api.get("/metrics").status_code == 403
