import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from local_stack.bridge.__main__ import Bridge, main

GROUP, STREAM = "/aws/lambda/shop-till", "one"
NOW = datetime.now(UTC)
Metrics = Any


def metrics_line(value: Any = 1) -> str:
    directive = {"Namespace": "Shop", "Dimensions": [["service"]], "Metrics": [{"Name": "Orders"}]}
    metadata = {"Timestamp": int(NOW.timestamp() * 1_000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": metadata, "service": "till", "Orders": value})


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        logs = boto3.client("logs")
        logs.create_log_group(logGroupName=GROUP)
        logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
        yield


@pytest.fixture
def make_bridge(tmp_path: Path) -> Callable[..., Bridge]:
    def make(metrics: Metrics = None) -> Bridge:
        return Bridge(
            boto3.client("logs"),
            metrics or boto3.client("cloudwatch"),
            group_prefix="/aws/lambda/shop-",
            jobs_dir=tmp_path,
            checkpoint_file=tmp_path / "kept" / "place.json",
        )

    return make


def log(*messages: str, group: str = GROUP) -> None:
    at = int(NOW.timestamp() * 1_000)
    boto3.client("logs").put_log_events(
        logGroupName=group,
        logStreamName=STREAM,
        logEvents=[{"timestamp": at, "message": message} for message in messages],
    )


def counted() -> tuple[float, float]:
    """Return how many values CloudWatch has, and their sum."""
    answer = boto3.client("cloudwatch").get_metric_statistics(
        Namespace="Shop",
        MetricName="Orders",
        Dimensions=[{"Name": "service", "Value": "till"}],
        StartTime=NOW - timedelta(hours=1),
        EndTime=NOW + timedelta(hours=1),
        Period=7_200,
        Statistics=["SampleCount", "Sum"],
    )
    points = answer["Datapoints"]
    return sum(p["SampleCount"] for p in points), sum(p["Sum"] for p in points)


def test_lines_of_functions_and_jobs_become_metrics(
    make_bridge: Callable[..., Bridge], tmp_path: Path
) -> None:
    log("START", metrics_line(2), metrics_line([3, 3, 4]))
    (tmp_path / "job.log").write_text(f"fit\n{metrics_line(5)}\n")

    assert make_bridge().round() == 3

    assert counted() == (5, 17)


def test_nothing_is_counted_twice_by_the_next_round_nor_by_the_next_bridge(
    make_bridge: Callable[..., Bridge], tmp_path: Path
) -> None:
    log(metrics_line())
    (tmp_path / "job.log").write_text(f"{metrics_line()}\n")
    bridge = make_bridge()
    bridge.round()

    bridge.round()
    make_bridge().round()

    assert counted() == (2, 2)


def test_events_of_the_same_moment_that_come_later_are_read(
    make_bridge: Callable[..., Bridge],
) -> None:
    bridge = make_bridge()
    log(metrics_line(1))
    bridge.round()

    log(metrics_line(1))
    bridge.round()

    assert counted() == (2, 2)


def test_a_line_that_is_half_written_waits_for_its_end(
    make_bridge: Callable[..., Bridge], tmp_path: Path
) -> None:
    bridge, path, text = make_bridge(), tmp_path / "job.log", metrics_line()
    path.write_text(text[:40])
    bridge.round()

    path.write_text(f"{text}\n")
    bridge.round()

    assert counted() == (1, 1)


def test_a_recreated_file_is_read_from_its_start(
    make_bridge: Callable[..., Bridge], tmp_path: Path
) -> None:
    bridge, path = make_bridge(), tmp_path / "job.log"
    path.write_text(f"a longer beginning\n{metrics_line()}\n")
    bridge.round()

    path.write_text(f"{metrics_line()}\n")
    bridge.round()

    assert counted() == (2, 2)


def test_a_bad_line_is_skipped_and_logged_and_the_rest_counts(
    make_bridge: Callable[..., Bridge], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    log(metrics_line("many"), metrics_line())

    make_bridge().round()

    assert counted() == (1, 1)
    assert f"{GROUP}: skipped a line with metrics: the metric Orders is not a number" in (
        caplog.text
    )
    assert "1 lines, 1 values; 1 bad lines" in caplog.text


def test_other_log_groups_are_not_read(make_bridge: Callable[..., Bridge]) -> None:
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName="/aws/lambda/other")
    logs.create_log_stream(logGroupName="/aws/lambda/other", logStreamName=STREAM)
    log(metrics_line(), group="/aws/lambda/other")

    assert make_bridge().round() == 0


class Away:
    """CloudWatch that is not there."""

    def put_metric_data(self, **_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")


def test_unsent_values_are_sent_by_the_next_bridge(
    make_bridge: Callable[..., Bridge],
) -> None:
    log(metrics_line())
    with pytest.raises(EndpointConnectionError):
        make_bridge(Away()).round()

    make_bridge().round()

    assert counted() == (1, 1)


class Killing:
    """CloudWatch that takes the values of a bridge that is killed before it hears so."""

    def put_metric_data(self, **call: Any) -> None:
        boto3.client("cloudwatch").put_metric_data(**call)
        raise KeyboardInterrupt


def test_a_bridge_that_was_killed_while_it_put_counts_nothing_twice(
    make_bridge: Callable[..., Bridge],
) -> None:
    log(metrics_line())
    with pytest.raises(KeyboardInterrupt):
        make_bridge(Killing()).round()

    make_bridge().round()

    assert counted() == (1, 1)


def test_many_different_values_go_in_several_data(make_bridge: Callable[..., Bridge]) -> None:
    log(*(metrics_line(list(range(100 * i, 100 * i + 100))) for i in range(4)))

    make_bridge().round()

    assert counted() == (400, sum(range(400)))


class Refusing:
    """Refuses what it is given, and says that it is the values' fault."""

    def put_metric_data(self, **_: Any) -> None:
        answer = {
            "Error": {"Code": "InvalidParameterValue", "Message": "no"},
            "ResponseMetadata": {"HTTPStatusCode": 400},
        }
        raise ClientError(answer, "PutMetricData")  # type: ignore[arg-type]


def test_values_that_the_endpoint_refuses_are_dropped_and_logged(
    make_bridge: Callable[..., Bridge], caplog: pytest.LogCaptureFixture
) -> None:
    log(metrics_line())

    make_bridge(Refusing()).round()
    make_bridge().round()

    assert "the endpoint refused values, which are lost" in caplog.text
    assert counted() == (0, 0)


class Broken:
    """Fails on its own side."""

    def put_metric_data(self, **_: Any) -> None:
        answer = {"Error": {"Code": "500"}, "ResponseMetadata": {"HTTPStatusCode": 500}}
        raise ClientError(answer, "PutMetricData")  # type: ignore[arg-type]


def test_values_that_the_endpoint_broke_on_are_put_by_the_next_round(
    make_bridge: Callable[..., Bridge],
) -> None:
    log(metrics_line(2))

    with pytest.raises(ClientError):
        make_bridge(Broken()).round()
    make_bridge().round()

    assert counted() == (1, 2)


@pytest.fixture
def _handlers() -> Iterator[None]:
    """Put back what the program sets for its whole process."""
    before = {kind: signal.getsignal(kind) for kind in (signal.SIGTERM, signal.SIGINT)}
    level, converter = logging.getLogger("local_stack.bridge").level, logging.Formatter.converter
    yield
    for kind, handler in before.items():
        signal.signal(kind, handler)
    logging.getLogger("local_stack.bridge").setLevel(level)
    logging.Formatter.converter = converter


@pytest.mark.usefixtures("_handlers")
def test_the_program_puts_what_there_is_until_it_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(metrics_line(7))
    heartbeat = tmp_path / "heartbeat"
    options = {
        "--log-group-prefix": "/aws/lambda/shop-",
        "--jobs-dir": tmp_path,
        "--checkpoint": tmp_path / "kept" / "place.json",
        "--heartbeat": heartbeat,
        "--seconds": 0.01,
    }
    monkeypatch.setattr(
        sys, "argv", ["bridge", *(str(x) for pair in options.items() for x in pair)]
    )

    def end_it_once_it_lives() -> None:
        deadline = time.monotonic() + 20
        while not heartbeat.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    ending = threading.Thread(target=end_it_once_it_lives)
    ending.start()
    main()
    ending.join(20)

    assert heartbeat.exists()
    assert counted() == (1, 7)
