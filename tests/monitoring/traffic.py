"""What the tests of the chain have happen: requests, comparisons, and what AWS counts of them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from housing.metrics import names
from housing.registry.port import CHALLENGER, PRODUCTION
from integration.running_stack import RunningStack, wait_for

GOOD = {
    "MedInc": 8.3,
    "HouseAge": 41,
    "AveRooms": 6.98,
    "AveBedrms": 1.02,
    "Population": 322,
    "AveOccup": 2.56,
    "Latitude": 37.88,
    "Longitude": -122.23,
}
GOOD_ONES, FIELDS_BAD, BODY_BAD = 140, 40, 20
COMPARED = 20
AWS_POINTS = {
    ("AWS/ApiGateway", "Count"): 1,
    ("AWS/ApiGateway", "4XXError"): 0,
    ("AWS/ApiGateway", "5XXError"): 0,
    ("AWS/ApiGateway", "Latency"): 12.5,
    ("AWS/Lambda", "Errors"): 0,
    ("AWS/Lambda", "Throttles"): 0,
    ("AWS/Lambda", "ConcurrentExecutions"): 1,
    ("AWS/Lambda", "Duration"): 7.5,
}
"""What AWS would put for each request, and MiniStack puts for none that comes through the API."""


def bodies() -> Iterator[tuple[bytes, int]]:
    """Yield the bodies of the requests, each with the status of its answer."""
    good = json.dumps(GOOD).encode()
    text = json.dumps({**GOOD, "MedInc": "high"}).encode()
    yield from [(good, 200)] * GOOD_ONES + [(text, 422)] * FIELDS_BAD + [(b"{", 400)] * BODY_BAD


def send_all(stack: RunningStack) -> None:
    """Send the requests."""
    with stack.api() as api:
        for body, status in bodies():
            answer = api.post(
                "/predict", content=body, headers={"content-type": "application/json"}
            )
            assert answer.status_code == status


def logged(stack: RunningStack, metric: str = names.PREDICTION_REQUESTS) -> list[dict[str, Any]]:
    """Return predict's log lines that hold a metric."""
    group = stack.env["HOUSING_PREDICT_LOG_GROUP"]
    events = stack.client("logs").filter_log_events(logGroupName=group)["events"]
    metric_lines = [json.loads(e["message"]) for e in events if '"_aws"' in e["message"]]
    return [line for line in metric_lines if metric in line]


def compare_in_shadow(stack: RunningStack) -> None:
    """Have the version that is not live priced beside it, until some comparisons came out."""
    live = stack.registry.version_by_alias(PRODUCTION).version
    other = next(one.version for one in stack.registry.versions() if one.version != live)
    stack.registry.set_alias(CHALLENGER, other)

    def compared() -> bool:
        with stack.api() as api:
            api.post("/predict", json=GOOD).raise_for_status()
        return len(logged(stack, names.SHADOW_DIFFERENCE)) >= COMPARED

    wait_for(compared, seconds=60)


def put_aws_metrics(stack: RunningStack, requests: int) -> None:
    """Put what AWS counts of its own, and the local endpoint does not.

    Args:
        stack: The stack.
        requests: How many there were.
    """
    cloudwatch = stack.client("cloudwatch")
    function = stack.env["HOUSING_PREDICT_LOG_GROUP"].removeprefix("/aws/lambda/")
    dimensions = {
        "AWS/Lambda": {"Name": "FunctionName", "Value": function},
        "AWS/ApiGateway": {"Name": "ApiName", "Value": function.removesuffix("predict") + "api"},
    }
    for (namespace, metric), value in AWS_POINTS.items():
        cloudwatch.put_metric_data(
            Namespace=namespace,
            MetricData=[
                {
                    "MetricName": metric,
                    "Dimensions": [dimensions[namespace]],
                    "Timestamp": datetime.now(UTC),
                    "Values": [value],
                    "Counts": [requests],
                }
            ],
        )
