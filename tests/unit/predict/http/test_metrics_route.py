"""``GET /metrics``: counters that only grow, the same in every process, and what fails."""

import asyncio
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fakes.asgi_client import AsgiClient
from fakes.clock import FakeClock
from fakes.cloudwatch import FakeCloudWatch
from fakes.model_changes import no_changes
from fakes.model_store import FakeModelStore
from housing.metrics import names
from predict.access.auth import OpenAccess
from predict.errors import StoreUnavailableError
from predict.http.app import create_app
from predict.settings import PredictSettings
from predict.telemetry.account_metrics import (
    COUNTERS,
    GAUGES,
    LATENCY_SUM,
    REQUESTS,
    AccountMetrics,
)
from predict.telemetry.telemetry import Telemetry

NOON = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def cloudwatch() -> FakeCloudWatch:
    return FakeCloudWatch()


@pytest.fixture
def metrics(cloudwatch: FakeCloudWatch, clock: FakeClock) -> AccountMetrics:
    return AccountMetrics(lambda: cloudwatch, clock)


@pytest.fixture
def api(
    settings: PredictSettings,
    models: FakeModelStore,
    telemetry: Telemetry,
    loop: asyncio.AbstractEventLoop,
    metrics: AccountMetrics,
) -> AsgiClient:
    app = create_app(settings, models, telemetry, OpenAccess(), no_changes, metrics=lambda: metrics)
    return AsgiClient(app, loop)


def predicted(cloudwatch: FakeCloudWatch, at: datetime, *latencies_ms: float) -> None:
    """Have requests counted that were answered."""
    for name, values in (
        (names.PREDICTION_REQUESTS, [1.0] * len(latencies_ms)),
        (names.PREDICTION_SUCCESS, [1.0] * len(latencies_ms)),
        (names.PREDICTION_LATENCY, list(latencies_ms)),
        (names.MODEL_VERSION, [3.0] * len(latencies_ms)),
    ):
        cloudwatch.put(names.NAMESPACE, name, at, *values, service="predict")


def refused(cloudwatch: FakeCloudWatch, at: datetime, reason: str) -> None:
    cloudwatch.put(names.NAMESPACE, names.PREDICTION_REQUESTS, at, 1, service="predict")
    cloudwatch.put(
        names.NAMESPACE, names.PREDICTION_ERRORS, at, 1, service="predict", reason=reason
    )


def scraped(api: AsgiClient) -> dict[tuple[str, str], float]:
    """Scrape as Prometheus does: name and the label's value → number."""
    response = api.get("/metrics")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_counts_of_the_month_and_of_the_newest_minutes_are_added(
    api: AsgiClient, cloudwatch: FakeCloudWatch
) -> None:
    predicted(cloudwatch, NOON - timedelta(days=40), 999)  # another month's
    predicted(cloudwatch, NOON - timedelta(days=20), 100, 100)
    predicted(cloudwatch, NOON - timedelta(minutes=70), 100)
    refused(cloudwatch, NOON - timedelta(minutes=65), "invalid_fields")
    predicted(cloudwatch, NOON - timedelta(minutes=6), 10, 20, 40)
    refused(cloudwatch, NOON - timedelta(minutes=6), "model_output")
    predicted(cloudwatch, NOON - timedelta(minutes=1), 1_000)  # not settled yet

    samples = scraped(api)

    assert samples["prediction_requests_total", ""] == 8
    assert samples["prediction_success_total", ""] == 6
    assert samples["prediction_error_total", "invalid_fields"] == 1
    assert samples["prediction_error_total", "model_output"] == 1
    assert samples["prediction_error_total", "unexpected"] == 0
    assert samples["prediction_latency_seconds_count", ""] == 6
    assert samples["prediction_latency_seconds_sum", ""] == pytest.approx(0.37)
    assert samples["prediction_latency_seconds", "0.5"] == pytest.approx(0.02)
    assert samples["housing_model_version", "lowest"] == 3
    assert ("housing_model_age_seconds", "") not in samples


def test_an_account_that_counted_nothing_has_counters_of_zero(api: AsgiClient) -> None:
    samples = scraped(api)

    assert samples["prediction_requests_total", ""] == 0
    assert samples["prediction_latency_seconds_count", ""] == 0
    assert ("prediction_latency_seconds", "0.5") not in samples


def test_whoever_asks_within_the_minute_is_answered_from_memory_and_the_same(
    api: AsgiClient, cloudwatch: FakeCloudWatch, clock: FakeClock
) -> None:
    first = scraped(api)
    asked = len(cloudwatch.calls)
    predicted(cloudwatch, NOON - timedelta(minutes=10), 10)
    clock.advance(29)

    assert scraped(api) == first
    assert len(cloudwatch.calls) == asked

    clock.advance(1)
    assert scraped(api)["prediction_requests_total", ""] == 1


def test_two_processes_tell_the_same_in_the_same_minute(
    cloudwatch: FakeCloudWatch, clock: FakeClock
) -> None:
    one, other = (AccountMetrics(lambda: cloudwatch, clock) for _ in range(2))
    predicted(cloudwatch, NOON - timedelta(minutes=3), 10)
    assert one.figures().totals == other.figures().totals
    for _ in range(200):  # over three turns of the hour
        clock.advance(60)
        predicted(cloudwatch, clock() - timedelta(seconds=45), 10)
        before = one.figures()

    assert other.figures() == before
    assert before.totals[REQUESTS] == 1 + 198  # the two newest are not settled


def test_what_cloudwatch_shows_late_is_told_alike_by_an_old_process_and_a_new_one(
    cloudwatch: FakeCloudWatch, clock: FakeClock
) -> None:
    old = AccountMetrics(lambda: cloudwatch, clock)
    for minute in range(60):
        clock.advance(60)
        old.figures()
        if minute == 14:  # it is 12:15:30
            predicted(cloudwatch, NOON - timedelta(minutes=1), 10)

    new = AccountMetrics(lambda: cloudwatch, clock).figures()

    assert new.totals[REQUESTS] == 1
    assert old.figures().totals == new.totals


def test_a_sum_of_minutes_is_the_sum_of_their_hour_to_the_last_digit(
    cloudwatch: FakeCloudWatch, clock: FakeClock
) -> None:
    for minute in range(60):  # 0.1 + 0.2 + … is 17.699999999999992 or 17.7, as they are added
        predicted(cloudwatch, NOON - timedelta(minutes=minute + 1), 0.1, 0.195)
    clock.advance(16 * 60)
    by_minutes = AccountMetrics(lambda: cloudwatch, clock).figures()
    clock.advance(60 * 60)
    by_hours = AccountMetrics(lambda: cloudwatch, clock).figures()

    assert by_minutes.totals[LATENCY_SUM] == 17.7
    assert by_hours.totals == by_minutes.totals


def test_gauges_are_of_the_last_whole_five_minutes(
    api: AsgiClient, cloudwatch: FakeCloudWatch, clock: FakeClock
) -> None:
    predicted(cloudwatch, NOON - timedelta(minutes=12), 500)
    predicted(cloudwatch, NOON - timedelta(minutes=6), 10, 20, 40)
    predicted(cloudwatch, NOON - timedelta(minutes=3), 500)  # of five minutes that go on

    assert scraped(api)["prediction_latency_seconds", "0.5"] == pytest.approx(0.02)

    clock.advance(11 * 60)
    samples = scraped(api)
    assert samples["prediction_requests_total", ""] == 5
    assert ("prediction_latency_seconds", "0.5") not in samples
    assert ("housing_model_version", "lowest") not in samples


def test_a_stale_model_and_its_age_are_gauges_once_they_were_told(
    api: AsgiClient, cloudwatch: FakeCloudWatch
) -> None:
    at = NOON - timedelta(minutes=6)
    cloudwatch.put(names.NAMESPACE, names.MODEL_STALENESS, at, 0, 1, service="predict")
    cloudwatch.put(names.NAMESPACE, names.MODEL_AGE, at, 60, 90, service="predict")
    cloudwatch.put(names.NAMESPACE, names.FAST_TREES, at, 1, 0, service="predict")

    samples = scraped(api)

    assert samples["housing_model_stale", ""] == 1
    assert samples["housing_model_age_seconds", ""] == 90
    assert samples["housing_fast_trees", ""] == 0


def test_hours_that_have_settled_are_read_once(
    metrics: AccountMetrics, cloudwatch: FakeCloudWatch, clock: FakeClock
) -> None:
    cloudwatch.page = 500
    metrics.figures()
    starts = [call["StartTime"] for call in cloudwatch.calls]
    clock.advance(3_600)
    metrics.figures()

    assert starts[0] == datetime(2026, 11, 1, tzinfo=UTC)
    assert [call["StartTime"].hour for call in cloudwatch.calls[2:]] == [11, 12]
    assert all(call["StartTime"].minute == 0 for call in cloudwatch.calls)
    assert {len(call["MetricDataQueries"]) for call in cloudwatch.calls} == {
        len(COUNTERS),
        len(COUNTERS) + len(GAUGES),
    }


def test_a_counter_does_not_fall_where_cloudwatch_forgets(
    metrics: AccountMetrics, cloudwatch: FakeCloudWatch, clock: FakeClock
) -> None:
    predicted(cloudwatch, NOON - timedelta(minutes=30), 10, 20)
    before = metrics.figures().totals
    cloudwatch._points.clear()
    clock.advance(60)

    assert metrics.figures().totals == before


def test_a_new_month_counts_from_nothing(
    metrics: AccountMetrics, cloudwatch: FakeCloudWatch, clock: FakeClock
) -> None:
    predicted(cloudwatch, NOON - timedelta(hours=3), 10)
    assert sum(metrics.figures().totals.values()) > 0

    clock.advance(timedelta(days=8).total_seconds())

    assert not any(metrics.figures().totals.values())


def test_the_months_last_minute_is_counted_before_the_new_month_begins(
    metrics: AccountMetrics, cloudwatch: FakeCloudWatch, clock: FakeClock
) -> None:
    turn = datetime(2026, 12, 1, tzinfo=UTC)
    predicted(cloudwatch, turn - timedelta(seconds=30), 10)
    predicted(cloudwatch, turn + timedelta(seconds=30), 10, 20)
    clock.advance((turn - NOON).total_seconds() + 120)

    assert metrics.figures().totals[REQUESTS] == 1

    clock.advance(60)
    assert metrics.figures().totals[REQUESTS] == 2


def test_while_cloudwatch_fails_the_last_answer_holds_and_says_its_age(
    api: AsgiClient, cloudwatch: FakeCloudWatch, clock: FakeClock
) -> None:
    predicted(cloudwatch, NOON - timedelta(minutes=30), 10)
    before = scraped(api)
    cloudwatch.fails_with = OSError("down")
    clock.advance(600)

    samples = scraped(api)

    assert samples == before
    assert samples["housing_metrics_until_timestamp_seconds", ""] == (
        datetime(2026, 11, 23, 11, 58, tzinfo=UTC).timestamp()
    )


def test_an_old_answer_carries_its_time_so_that_no_counter_falls_where_a_newer_one_was_told(
    api: AsgiClient, cloudwatch: FakeCloudWatch, clock: FakeClock
) -> None:
    def times() -> set[float | None]:
        families = text_string_to_metric_families(api.get("/metrics").text)
        return {
            None if sample.timestamp is None else float(sample.timestamp)
            for family in families
            for sample in family.samples
            if family.name != "housing_metrics_until_timestamp_seconds"
        }

    assert times() == {None}

    cloudwatch.fails_with = OSError("down")
    clock.advance(600)
    assert times() == {NOON.timestamp()}


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_an_answer_that_is_not_whole_is_none(
    metrics: AccountMetrics, cloudwatch: FakeCloudWatch, clock: FakeClock, status: str
) -> None:
    predicted(cloudwatch, NOON - timedelta(hours=3), 10)
    cloudwatch.status = status
    with pytest.raises(StoreUnavailableError, match="cannot be read"):
        metrics.figures()

    cloudwatch.status = "Complete"
    assert metrics.figures().totals[REQUESTS] == 1

    cloudwatch.status = status
    clock.advance(60)
    assert metrics.figures().is_old


class SlowCloudWatch(FakeCloudWatch):
    """Answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = threading.Event()

    def get_metric_data(self, **query: Any) -> Mapping[str, Any]:
        """Wait, then answer."""
        assert self.may_answer.wait(30)
        return super().get_metric_data(**query)


def test_no_request_waits_long_for_cloudwatch_and_what_comes_late_serves_the_next(
    clock: FakeClock,
) -> None:
    slow = SlowCloudWatch()
    metrics = AccountMetrics(lambda: slow, clock, wait_seconds=0.05)
    for _ in range(3):
        with pytest.raises(StoreUnavailableError, match="in time"):
            metrics.figures()

    slow.may_answer.set()
    metrics.wait_seconds = 10

    assert not metrics.figures().is_old
    assert len(slow.calls) == len({tuple(map(str, call.items())) for call in slow.calls})


def test_where_cloudwatch_never_answered_it_is_a_503_and_the_next_request_asks_again(
    api: AsgiClient, cloudwatch: FakeCloudWatch
) -> None:
    cloudwatch.fails_with = OSError("secret of the account")

    refusal = api.get("/metrics")

    assert refusal.status_code == 503
    assert refusal.headers["content-type"] == "application/problem+json"
    assert refusal.headers["retry-after"] == "60"
    assert "secret" not in refusal.text
    cloudwatch.fails_with = None
    assert scraped(api)["prediction_requests_total", ""] == 0
