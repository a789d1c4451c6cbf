"""The line that a request leaves: what is in it, and how many of them are written."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fakes.written_lines import WrittenLines
from housing.metrics import names as metric_names
from predict.messages import Request
from predict.model.loading import ServedModel
from predict.telemetry.telemetry import Rows, Telemetry

CALL = Request("POST", "/predict", "application/json", b"{}", request_id="r-1")


class Seconds:
    """A monotonic clock that a test turns."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def drawn(count: int) -> Rows:
    return [{"features": {}, "price": 1.0, "interval": (0.5, 1.5)} for _ in range(count)]


def telemetry(lines: WrittenLines, seconds: Seconds, **knobs: Any) -> Telemetry:
    return Telemetry(lines, monotonic=seconds, **knobs)


def test_above_the_rate_predictions_are_counted_but_not_logged(served: ServedModel) -> None:
    lines, seconds = WrittenLines(), Seconds()
    subject = telemetry(lines, seconds, logged_per_second=2)

    for _ in range(5):
        subject.log_prediction(CALL, served, 1.0, 1, drawn)
    seconds.now += 1.0
    subject.log_prediction(CALL, served, 1.0, 1, drawn)

    messages = [line["message"] for line in lines.all]
    assert messages == ["prediction"] * 2 + ["predicted"] * 3 + ["prediction"]
    assert [line["rows_not_logged"] for line in lines.all] == [0, 0, 1, 1, 1, 0]
    assert lines.metrics()[metric_names.PREDICTION_REQUESTS] == [1] * 6


def test_at_a_rate_of_none_no_features_are_logged(served: ServedModel) -> None:
    lines, seconds = WrittenLines(), Seconds()
    subject = telemetry(lines, seconds, logged_per_second=0)

    subject.log_prediction(CALL, served, 1.0, 1, drawn)
    seconds.now += 1e6
    subject.log_prediction(CALL, served, 1.0, 1, drawn)

    assert not any("features" in line for line in lines.all)


def test_the_age_of_the_model_is_logged_in_seconds(served: ServedModel) -> None:
    lines = WrittenLines()
    subject = Telemetry(lines, now=lambda: served.version.created_at + timedelta(hours=1))

    subject.log_model(served)

    assert lines.metrics()[metric_names.MODEL_AGE] == [3_600]


def test_a_restored_process_counts_as_cold_again(served: ServedModel) -> None:
    lines = WrittenLines()
    subject = Telemetry(lines)

    subject.log_prediction(CALL, served, 1.0, 1, drawn)
    subject.log_prediction(CALL, served, 1.0, 1, drawn)
    subject.mark_cold()
    subject.log_prediction(CALL, served, 1.0, 1, drawn)

    assert lines.metrics()[metric_names.COLD_START] == [1, 0, 1]


def test_a_line_names_its_time_in_the_units_of_the_format(served: ServedModel) -> None:
    lines = WrittenLines()
    subject = Telemetry(lines, now=lambda: datetime(2026, 11, 24, 12, tzinfo=UTC))

    subject.log_prediction(CALL, served, 1.0, 1, drawn)

    (line,) = lines.all
    assert line["_aws"]["Timestamp"] == 1_795_521_600_000
    assert line["timestamp"] == "2026-11-24T12:00:00+00:00"
