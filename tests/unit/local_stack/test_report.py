"""What ``make status`` and ``make logs`` print."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from rich.console import Console

from local_stack import report
from local_stack.monitoring import health
from local_stack.services import processes, supervisor, training_jobs
from local_stack.settings import StackSettings
from retrain.launchers.job_queue import JobQueue, QueuedJob


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(state_dir=tmp_path)


@pytest.fixture
def bridge(settings: StackSettings) -> Iterator[psutil.Process]:
    """Run something under a service's name that needs no port."""
    record = processes.start(
        (sys.executable, "-c", "import time; time.sleep(60)"),
        environment={"PATH": os.environ["PATH"]},
        log=supervisor.log_path(settings, "bridge"),
        record=supervisor.record_path(settings, "bridge"),
        digest="d",
    )
    process = record.process()
    assert process
    yield process
    processes.stop(process)


def said(console: Console, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert console.file
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_running_services_are_shown_with_their_process_and_the_others_as_down(
    settings: StackSettings, bridge: psutil.Process, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console(width=120)

    assert not report.status(console, settings)

    rows = {line.split()[0]: line.split()[1:] for line in said(console, capsys)[1:]}
    assert rows["aws"] == rows["mlflow"] == rows["api"] == ["down"]
    assert rows["bridge"][:2] == ["up", str(bridge.pid)]


def test_a_monitoring_that_died_is_down_and_one_that_does_not_work_is_faulty(
    settings: StackSettings,
    bridge: psutil.Process,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(supervisor, "running", lambda _, name: None if name == "yace" else bridge)
    monkeypatch.setattr(health, "faults", lambda _: {"prometheus": "cannot scrape yace: refused"})
    monkeypatch.setattr(health, "firing", lambda _: ["ExporterDown"])
    monkeypatch.setattr(health, "alerts_page", lambda _: "http://127.0.0.1:9090/alerts")
    monkeypatch.setattr(report, "production_version", lambda _: None)
    monkeypatch.setattr(report, "waiting_uploads", lambda *_, **__: [])
    supervisor.record_path(settings, "yace").write_text("{}")

    assert not report.status(Console(width=120), settings)

    shown = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in shown if line}
    assert rows["yace"] == ["down"]
    assert rows["alertmanager"][0] == rows["aws"][0] == "up"
    assert next(line.split()[1] for line in shown if line.startswith("prometheus ")) == "faulty"
    assert "prometheus cannot scrape yace: refused" in shown
    assert "alerts: ExporterDown   (http://127.0.0.1:9090/alerts)" in shown


def test_a_stack_whose_monitoring_was_never_started_lists_none(
    settings: StackSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    report.status(Console(width=120), settings)

    assert "yace" not in capsys.readouterr().out


def test_the_end_of_each_log_is_shown_of_the_newest_jobs_three(
    settings: StackSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.logs_dir.mkdir()
    settings.jobs_dir.mkdir()
    supervisor.log_path(settings, "mlflow").write_text("one\ntwo [red]\nthree\n")
    for age, name in enumerate(("newest", "newer", "new", "old")):
        log = settings.jobs_dir / f"{name}.log"
        log.write_text(f"line of {name}\n")
        os.utime(log, (1_000_000 - age,) * 2)
    console = Console(width=200)

    report.logs(console, settings, 2)

    shown = said(console, capsys)
    assert "one" not in shown
    assert [line for line in shown if line in ("two [red]", "three")] == ["two [red]", "three"]
    assert [line for line in shown if line.startswith("line of")] == [
        "line of new",
        "line of newer",
        "line of newest",
    ]


def test_a_running_job_is_shown_and_so_is_the_version_in_production(
    settings: StackSettings,
    bridge: psutil.Process,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(supervisor, "running", lambda _, name: bridge if name == "mlflow" else None)
    monkeypatch.setattr(training_jobs, "running", lambda _: [("0123", bridge)])
    monkeypatch.setattr(report, "production_version", lambda _: None)

    report.status(Console(width=120), settings)

    shown = capsys.readouterr().out
    assert f"job 0123  up     {bridge.pid}" in shown
    assert "no model yet" in shown


def test_the_functions_log_is_shown_while_the_endpoint_runs(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        cloudwatch_logs: Any = boto3.client("logs", region_name="us-east-1")
        group = {"logGroupName": f"/aws/lambda/{settings.stack_name}-predict"}
        cloudwatch_logs.create_log_group(**group)
        cloudwatch_logs.create_log_stream(**group, logStreamName="one")
        now = int(time.time() * 1_000)
        events = [{"timestamp": now, "message": text} for text in ("first", "model_loaded")]
        cloudwatch_logs.put_log_events(**group, logStreamName="one", logEvents=events)
        monkeypatch.setattr(report, "client", lambda *_: cloudwatch_logs)
        at_an_endpoint = settings.model_copy(update={"aws_endpoint": "http://localhost:1"})

        report.logs(Console(width=120), at_an_endpoint, 1)

    shown = capsys.readouterr().out
    assert "model_loaded" in shown
    assert "first" not in shown
    assert shown.count("no log: the function is not deployed, or was never called") == 3


@pytest.fixture
def endpoint(settings: StackSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[StackSettings]:
    """Stand at an endpoint of others', which holds an upload without a job."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    (settings.state_dir / "env").write_text("HOUSING_BUCKET=housing-test\n")
    with mock_aws():
        s3: Any = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="housing-test")
        s3.put_object(Bucket="housing-test", Key="new_data/lost.csv", Body=b"x")
        monkeypatch.setattr(report, "client", lambda *_: s3)
        yield settings.model_copy(update={"aws_endpoint": "http://localhost:1"})


def test_jobs_that_wait_and_uploads_without_a_job_are_shown(
    endpoint: StackSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    JobQueue(endpoint.jobs_dir).add(QueuedJob("0123", [], {}, 60))

    report.status(Console(width=120), endpoint)

    shown = capsys.readouterr().out
    assert "job 0123  queued" in shown
    assert "upload lost.csv has no job yet: its event is under way" in shown


def test_a_bucket_that_cannot_be_listed_is_a_line(
    endpoint: StackSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = ClientError({"Error": {"Code": "NoSuchBucket"}}, "ListObjectVersions")
    monkeypatch.setattr(report, "waiting_uploads", Mock(side_effect=error))

    report.status(Console(width=120), endpoint)

    assert "cannot list the uploads without a job" in capsys.readouterr().out


def test_before_the_stack_was_first_up_no_bucket_is_asked(
    endpoint: StackSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    (endpoint.state_dir / "env").unlink()

    report.status(Console(width=120), endpoint)

    assert "upload" not in capsys.readouterr().out


@pytest.fixture
def urls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was opened in a browser; there is a person at a desktop."""
    urls: list[str] = []

    def opens(url: str) -> bool:
        urls.append(url)
        return True

    monkeypatch.setattr("webbrowser.open", opens)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    return urls


def test_the_page_is_opened_on_a_desktop(settings: StackSettings, urls: list[str]) -> None:
    assert report.open_page(settings)
    assert urls == [f"http://127.0.0.1:{settings.api_port}/"]


def test_no_browser_is_started_without_a_desktop_or_a_terminal_or_against_the_setting(
    settings: StackSettings, urls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    unwanted = settings.model_copy(update={"open_page": False})
    opened = [report.open_page(unwanted)]
    with monkeypatch.context() as piped:
        piped.setattr("sys.stdout.isatty", lambda: False)
        opened.append(report.open_page(settings))
    monkeypatch.delenv("WAYLAND_DISPLAY")
    opened.append(report.open_page(settings))

    assert (opened, urls) == ([False] * 3, [])
