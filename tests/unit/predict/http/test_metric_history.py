"""``GET /metrics/history``: requests, errors and latencies of the last hours by period."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from fakes.asgi_client import AsgiClient
from fakes.clock import FakeClock
from fakes.cloudwatch import FakeCloudWatch
from housing.metrics import names
from predict.http import problem_handlers
from predict.http.routes.service import metrics_route
from predict.telemetry.account_metrics import AccountMetrics

NOW = datetime(2026, 11, 23, 12, 3, 30, tzinfo=UTC)  # the newest settled minute ends at 12:01


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def cloudwatch() -> FakeCloudWatch:
    return FakeCloudWatch()


@pytest.fixture
def api(
    cloudwatch: FakeCloudWatch, clock: FakeClock, loop: asyncio.AbstractEventLoop
) -> AsgiClient:
    metrics = AccountMetrics(lambda: cloudwatch, clock)
    app = FastAPI()
    problem_handlers.install(app)
    app.include_router(metrics_route(lambda: metrics))
    return AsgiClient(app, loop)


def counted(cloudwatch: FakeCloudWatch, at: datetime, *latencies_ms: float) -> None:
    ones = [1.0] * len(latencies_ms)
    for name, values in (
        (names.PREDICTION_REQUESTS, ones),
        (names.PREDICTION_SUCCESS, ones),
        (names.PREDICTION_LATENCY, latencies_ms),
    ):
        cloudwatch.put(names.NAMESPACE, name, at, *values, service="predict")


def history(api: AsgiClient, query: str = "") -> dict[str, Any]:
    answer = api.get(f"/metrics/history{query}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def test_each_period_has_its_requests_errors_and_latencies(
    api: AsgiClient, cloudwatch: FakeCloudWatch
) -> None:
    counted(cloudwatch, NOW - timedelta(minutes=5), 10, 20, 40)
    refused = {"service": "predict", "reason": "invalid_fields"}
    cloudwatch.put(
        names.NAMESPACE, names.PREDICTION_ERRORS, NOW - timedelta(minutes=5), 2, **refused
    )
    counted(cloudwatch, NOW - timedelta(hours=7), 5)  # before them all
    counted(cloudwatch, NOW - timedelta(minutes=1), 5)  # not settled yet

    shown = history(api)

    assert (shown["until"], shown["period_seconds"]) == ("2026-11-23T12:00:00Z", 300)
    assert len(shown["periods"]) == 72
    assert shown["periods"][0]["at"] == "2026-11-23T06:00:00Z"
    assert shown["periods"][-1] == {
        "at": "2026-11-23T11:55:00Z",
        "requests": 3,
        "succeeded": 3,
        "errors": {"invalid_fields": 2},
        "latency_ms": {"0.5": 20.0, "0.9": 36.0, "0.99": 39.6},
    }
    assert shown["periods"][-2] == {
        "at": "2026-11-23T11:50:00Z",
        "requests": 0,
        "succeeded": 0,
        "errors": {},
        "latency_ms": {},
    }


@pytest.mark.parametrize(
    ("hours", "seconds", "count"), [(1, 300, 12), (24, 300, 288), (25, 3600, 25), (168, 3600, 168)]
)
def test_longer_times_have_longer_periods(
    api: AsgiClient, hours: int, seconds: int, count: int
) -> None:
    shown = history(api, f"?hours={hours}")

    assert (shown["period_seconds"], len(shown["periods"])) == (seconds, count)


@pytest.mark.parametrize("hours", ["0", "169", "x", "1.5"])
def test_other_times_are_refused(api: AsgiClient, hours: str) -> None:
    assert api.get(f"/metrics/history?hours={hours}").status_code == 422


def test_cloudwatch_is_asked_once_for_each_period(
    api: AsgiClient, cloudwatch: FakeCloudWatch, clock: FakeClock
) -> None:
    history(api)
    asked = len(cloudwatch.calls)
    history(api)
    assert len(cloudwatch.calls) == asked

    clock.advance(300)
    history(api)

    assert len(cloudwatch.calls) > asked


@pytest.mark.parametrize("status", ["PartialData", "InternalError"])
def test_partial_figures_are_no_figures(
    api: AsgiClient, cloudwatch: FakeCloudWatch, status: str
) -> None:
    cloudwatch.status = status

    answer = api.get("/metrics/history")

    assert answer.status_code == 503
    assert "CloudWatch" in answer.json()["detail"]
