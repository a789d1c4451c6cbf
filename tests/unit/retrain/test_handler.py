"""The Lambda handler: responses, logs and metrics; and its imports."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from fakes.alerts import FakeAlerts
from fakes.function_loggers import forget_loggers
from fakes.launcher import FakeJobLauncher
from fakes.sweeps import RULES
from housing.alerts.alert import AlertEvent
from housing.alerts.folded import FoldedAlerts
from housing.alerts.jobs import MANY
from housing.jobs.status import JobStore, State
from housing.metrics import names as metric_names
from retrain import composition, handler
from retrain.errors import EventError, LaunchError
from retrain.launchers.batch import BatchJobLauncher
from retrain.launchers.local import LocalJobLauncher

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

S3_EVENTS = sorted((Path(__file__).parents[3] / "events").glob("s3-*.json"))
CONTEXT: Any = SimpleNamespace(
    function_name="retrain",
    memory_limit_in_mb=256,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:retrain",
    aws_request_id="8f5069ac-1111-2222-3333-0123456789ab",
    get_remaining_time_in_millis=lambda: 30_000,
)
TOO_HEAVY = ("numpy", "pandas", "mlflow", "sklearn", "onnxruntime", "onnx", "skl2onnx", "pyarrow")
Event = Callable[[str], dict[str, Any]]


def fresh_process() -> None:
    """Forget what one process of the function keeps."""
    composition.service.cache_clear()
    handler._entry.cache_clear()
    forget_loggers("retrain")


@pytest.fixture(autouse=True)
def _process(
    s3: "S3Client", launcher: FakeJobLauncher, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setenv("HOUSING_BUCKET", "housing-test")
    monkeypatch.setenv("HOUSING_BATCH_JOB_QUEUE", "queue")
    monkeypatch.setenv("HOUSING_BATCH_JOB_DEFINITION", "definition")
    monkeypatch.setattr("retrain.composition.boto3.client", lambda *_, **__: s3)
    monkeypatch.setattr(composition, "BatchJobLauncher", lambda *_, **__: launcher)
    fresh_process()
    yield
    fresh_process()


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("path", S3_EVENTS, ids=lambda path: path.stem)
def test_every_sample_event_does_as_its_name_says(path: Path) -> None:
    sample = json.loads(path.read_text("utf-8"))

    if Path(path.stem).suffix == ".bad":
        with pytest.raises(EventError):
            handler.lambda_handler(sample, CONTEXT)
    else:
        assert set(handler.lambda_handler(sample, CONTEXT)) == {"started", "repeated"}


def test_an_upload_starts_its_job_once(
    event: Event, jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    first = handler.lambda_handler(event("s3-upload.ok"), CONTEXT)
    second = handler.lambda_handler(event("s3-upload.ok"), CONTEXT)

    (job_id,) = first["started"]
    assert second == {"started": [], "repeated": [job_id]}
    assert jobs.load(job_id).state == State.QUEUED
    assert [job.job_id for job in launcher.launched] == [job_id]


def test_uploads_and_started_jobs_are_counted(
    event: Event, capsys: pytest.CaptureFixture[str]
) -> None:
    handler.lambda_handler(event("s3-upload.ok"), CONTEXT)
    handler.lambda_handler(event("s3-upload.ok"), CONTEXT)

    counted = [line for line in printed(capsys) if "_aws" in line]
    assert [line[metric_names.UPLOADS_RECEIVED] for line in counted] == [[1.0], [1.0]]
    assert [line[metric_names.JOBS_STARTED] for line in counted] == [[1.0], [0.0]]


def test_the_launch_is_logged_with_job_and_request(
    event: Event, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = handler.lambda_handler(event("s3-upload.ok"), CONTEXT)

    (line,) = [line for line in printed(capsys) if line.get("message") == "job_launched"]
    assert line["job_id"] == answer["started"][0]
    assert line["function_request_id"] == CONTEXT.aws_request_id


def test_a_failed_launch_reaches_lambda_and_the_upload_is_counted(
    event: Event, launcher: FakeJobLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher.fails_with = LaunchError("the queue is gone")

    with pytest.raises(LaunchError):
        handler.lambda_handler(event("s3-upload.ok"), CONTEXT)

    (counted,) = [line for line in printed(capsys) if "_aws" in line]
    assert counted[metric_names.UPLOADS_RECEIVED] == [1.0]


class Sweeping:
    """The function as the schedule calls it, where all that is written counts as long silent."""

    def __init__(self, event: Event, jobs: JobStore, launcher: FakeJobLauncher) -> None:
        self.alerts = FakeAlerts()
        self._event = event
        self._jobs = jobs
        self._launcher = launcher

    def begin_two(self) -> tuple[str, str]:
        """Have a job die for the first time, and one for the last; return their ids."""
        for name in ("s3-upload.ok", "s3-upload-unversioned.ok"):
            handler.lambda_handler(self._event(name), CONTEXT)
        dead, hopeless = (self._jobs.load(job.job_id) for job in self._launcher.launched)
        dead.state = hopeless.state = State.RUNNING
        hopeless.launches = RULES.most_launches
        for status in (dead, hopeless):
            self._jobs.save(status)
        self._launcher.launched.clear()
        return dead.job_id, hopeless.job_id

    def sweep(self) -> dict[str, Any]:
        return handler.lambda_handler(self._event("scheduled-sweep.ok"), CONTEXT)

    def sent_alerts(self) -> list[tuple[AlertEvent, str]]:
        return [(alert.event, alert.reason) for alert in self.alerts.sent]


@pytest.fixture
def sweeping(
    event: Event, jobs: JobStore, launcher: FakeJobLauncher, monkeypatch: pytest.MonkeyPatch
) -> Sweeping:
    recorded = Sweeping(event, jobs, launcher)
    monkeypatch.setattr(composition, "LoggedAlerts", lambda: recorded.alerts)
    monkeypatch.setenv("HOUSING_DEAD_AFTER_SECONDS", "1e-6")
    monkeypatch.setenv("HOUSING_UPLOAD_GRACE_SECONDS", "0")
    fresh_process()
    return recorded


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the metrics of the last invocation."""
    return [line for line in printed(capsys) if "_aws" in line][-1]


def test_the_schedule_restarts_dead_jobs_and_sends_an_alert_for_failed_ones(
    sweeping: Sweeping, capsys: pytest.CaptureFixture[str]
) -> None:
    dead, hopeless = sweeping.begin_two()

    answer = sweeping.sweep()

    assert answer == {"started": [dead], "recovered": [], "given_up": [hopeless], "refused": []}
    assert sweeping.sent_alerts() == [
        (AlertEvent.TRAINING_FAILED, "the job died 3 times, last in the stage launch")
    ]
    metrics = counted(capsys)
    assert metrics[metric_names.JOBS_STARTED] == [1.0]
    assert metrics[metric_names.JOBS_FAILED] == [1.0]


def test_a_failed_job_is_sent_and_counted_once_although_another_is_refused(
    sweeping: Sweeping, launcher: FakeJobLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    _, hopeless = sweeping.begin_two()
    launcher.fails_with = LaunchError("the queue is gone")

    first = sweeping.sweep()
    failed = counted(capsys)[metric_names.JOBS_FAILED]
    second = sweeping.sweep()

    assert (first["given_up"], second["given_up"]) == ([hopeless], [])
    assert first["refused"] == second["refused"] == ["the queue is gone"]
    assert (failed, counted(capsys)[metric_names.JOBS_FAILED]) == ([1.0], [0.0])
    assert sweeping.sent_alerts() == [
        (AlertEvent.TRAINING_FAILED, "the job died 3 times, last in the stage launch"),
        (AlertEvent.LAUNCHES_REFUSED, "the queue is gone"),
        (AlertEvent.LAUNCHES_REFUSED, "the queue is gone"),  # the topic's folding joins them
    ]


def test_a_job_that_is_given_up_is_counted_although_the_sweep_breaks_off(
    sweeping: Sweeping,
    s3: "S3Client",
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweeping.begin_two()
    error = ClientError({"Error": {"Code": "SlowDown"}}, "ListObjectVersions")
    monkeypatch.setattr(s3, "list_object_versions", Mock(side_effect=error))

    with pytest.raises(ClientError):
        sweeping.sweep()

    assert len(sweeping.sent_alerts()) == 1
    assert counted(capsys)[metric_names.JOBS_FAILED] == [1.0]


@pytest.mark.parametrize("uploads", [1, MANY - 1, MANY, MANY + 2])
def test_uploads_without_a_job_are_started_counted_and_if_many_sent_once(
    sweeping: Sweeping,
    s3: "S3Client",
    launcher: FakeJobLauncher,
    capsys: pytest.CaptureFixture[str],
    uploads: int,
) -> None:
    for number in range(uploads):
        s3.put_object(Bucket="housing-test", Key=f"new_data/{number}.csv", Body=b"x")

    answer = sweeping.sweep()
    metrics = counted(capsys)
    sweeping.sweep()

    assert sorted(answer["recovered"]) == sorted(job.job_id for job in launcher.launched)
    assert len(launcher.launched) == uploads
    assert metrics[metric_names.UPLOADS_RECOVERED] == [uploads]
    assert metrics[metric_names.JOBS_STARTED] == [uploads]
    reason = f"{uploads} uploads had no training job; the sweep has started theirs"
    assert sweeping.sent_alerts() == [(AlertEvent.UPLOADS_RECOVERED, reason)] * (uploads >= MANY)


@pytest.mark.parametrize(
    ("name", "adapter"), [("batch", BatchJobLauncher), ("local", LocalJobLauncher)]
)
def test_the_setting_chooses_the_launcher(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, adapter: type
) -> None:
    monkeypatch.setattr(composition, "BatchJobLauncher", BatchJobLauncher)
    monkeypatch.setenv("HOUSING_JOB_LAUNCHER", name)
    monkeypatch.setenv("HOUSING_LOCAL_PYTHON", sys.executable)
    monkeypatch.setenv("HOUSING_LOCAL_JOBS_DIR", str(tmp_path))

    assert isinstance(composition.service().launcher, adapter)


def test_with_a_topic_failures_are_published_and_repeats_folded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOUSING_ALERT_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:alerts")

    assert isinstance(composition.service().alerts, FoldedAlerts)


def test_the_function_imports_nothing_that_its_package_does_not_hold() -> None:
    program = "import sys, retrain.handler; print(*sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert not set(done.stdout.split()) & set(TOO_HEAVY)


def test_log_lines_of_the_shared_package_have_the_functions_form(
    capsys: pytest.CaptureFixture[str],
) -> None:
    composition.service()
    capsys.readouterr()

    logging.getLogger("housing.s3.lease").info("lease_taken", extra={"holder": "job 1"})

    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert (line["message"], line["holder"], line["service"]) == ("lease_taken", "job 1", "retrain")
