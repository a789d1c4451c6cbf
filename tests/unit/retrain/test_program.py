"""The job's command line: a failure before the start is reported, too."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import NoReturn

import pytest

from fakes.jobs import job_status
from housing.errors import JobTakenOverError, ObjectError
from housing.jobs.restarts import RestartRules
from housing.jobs.status import JobStore, State
from housing.metrics import names as metric_names
from retrain.launchers.supervisor import OVER_TIME
from retrain.training.__main__ import main
from retrain.training.attempts import ExitStatus
from retrain.training.errors import JobStoppedError
from retrain.training.job.program import run_job
from retrain.training.upload.ingest import Upload

PutUpload = Callable[..., Upload]
RUN_JOB = "retrain.training.job.program.run_job"
RULES = RestartRules()


def raising(error: Exception) -> Callable[..., NoReturn]:
    def call(*_: object, **__: object) -> NoReturn:
        raise error

    return call


@pytest.fixture(autouse=True)
def _process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put back what the program sets for its whole process."""
    handlers = {kind: signal.getsignal(kind) for kind in (signal.SIGTERM, signal.SIGINT)}
    environment = dict(os.environ)
    monkeypatch.setattr("retrain.training.__main__.write_log_lines", lambda: None)
    yield
    for kind, handler in handlers.items():
        signal.signal(kind, handler)
    os.environ.clear()
    os.environ.update(environment)


def arguments(upload: Upload) -> list[str]:
    return [
        f"--bucket={upload.bucket}",
        f"--key={upload.key}",
        f"--version-id={upload.version_id}",
        "--job-id",
        upload.job_id,
    ]


@pytest.mark.parametrize(
    ("state", "exit_status"),
    [
        (State.SUCCEEDED, ExitStatus.REGISTERED),
        (State.HELD, ExitStatus.REGISTERED),
        (State.REJECTED, ExitStatus.NOT_REGISTERED),
        (State.FAILED, ExitStatus.NOT_REGISTERED),
        (State.RUNNING, ExitStatus.NOT_REGISTERED),  # by another process
        (State.QUEUED, ExitStatus.STOPPED),
    ],
)
def test_the_exit_status_is_zero_only_when_the_job_registered_its_version(
    put_upload: PutUpload, monkeypatch: pytest.MonkeyPatch, state: State, exit_status: ExitStatus
) -> None:
    monkeypatch.setattr(RUN_JOB, lambda **_: state)

    assert main(arguments(put_upload(b""))) == exit_status


def test_a_missing_setting_fails_the_job_with_an_alert(
    put_upload: PutUpload,
    jobs: JobStore,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    upload = put_upload(b"")

    assert main(arguments(upload)) == 1

    status = jobs.load(upload.job_id)
    assert status.state == State.FAILED
    assert status.reason == "settings are missing or not valid: MLFLOW_TRACKING_URI"
    assert "a training job failed" in caplog.text
    assert json.loads(capsys.readouterr().out)[metric_names.JOBS_FAILED] == 1


def test_a_crash_before_the_job_begins_fails_it(
    put_upload: PutUpload, jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(**_: object) -> State:
        raise ZeroDivisionError

    monkeypatch.setattr(RUN_JOB, crash)
    upload = put_upload(b"")

    assert main(arguments(upload)) == 1

    assert str(jobs.load(upload.job_id).reason).startswith("ZeroDivisionError")


def test_a_signal_stops_the_job_and_a_second_one_does_not_disturb_its_end(
    put_upload: PutUpload, jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(**_: object) -> State:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except JobStoppedError:
            os.kill(os.getpid(), signal.SIGTERM)
            raise
        pytest.fail("the signal did nothing")

    monkeypatch.setattr(RUN_JOB, work)
    upload = put_upload(b"")

    assert main(arguments(upload)) == ExitStatus.STOPPED

    status = jobs.load(upload.job_id)
    assert (status.state, status.reason) == (
        State.QUEUED,
        "the job was stopped in the stage launch",
    )


@pytest.mark.parametrize(
    ("attempt", "silence"),
    [("1", RULES.lost_after), ("2", RULES.lost_after), ("3", timedelta()), ("", timedelta())],
)
def test_a_stopped_job_is_left_to_batch_while_that_has_attempts_left(
    put_upload: PutUpload,
    jobs: JobStore,
    monkeypatch: pytest.MonkeyPatch,
    attempt: str,
    silence: timedelta,
) -> None:
    monkeypatch.setenv("AWS_BATCH_JOB_ATTEMPT", attempt)
    monkeypatch.setattr(RUN_JOB, lambda **_: os.kill(os.getpid(), signal.SIGTERM))
    upload = put_upload(b"")

    assert main(arguments(upload)) == ExitStatus.STOPPED

    status = jobs.load(upload.job_id)
    assert (status.state, status.finished_at) == (State.QUEUED, None)
    assert RULES.silence_allowed(status) == silence
    assert RULES.may_start(status)


def test_a_stop_that_cannot_be_written_down_is_one_all_the_same(
    put_upload: PutUpload, jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = put_upload(b"")
    jobs.create(job_status(upload.job_id, state=State.RUNNING))
    monkeypatch.setattr(RUN_JOB, lambda **_: os.kill(os.getpid(), signal.SIGTERM))
    with monkeypatch.context() as patched:
        patched.setattr(JobStore, "load", raising(ObjectError("S3 is away")))

        assert main(arguments(upload)) == ExitStatus.STOPPED

    assert jobs.load(upload.job_id).state == State.RUNNING  # silent, which the sweep sees


def test_a_job_that_another_process_has_taken_over_is_left_to_that(
    put_upload: PutUpload, jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = put_upload(b"")
    jobs.create(job_status(upload.job_id, state=State.RUNNING))
    monkeypatch.setattr(RUN_JOB, raising(JobTakenOverError("at work elsewhere")))

    assert main(arguments(upload)) == ExitStatus.NOT_REGISTERED
    assert jobs.load(upload.job_id).state == State.RUNNING


def test_a_signal_after_all_of_its_time_fails_the_job_and_says_so(
    put_upload: PutUpload, jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSING_TRAINING_TIMEOUT_SECONDS", "1e-6")
    monkeypatch.setattr(RUN_JOB, lambda **_: os.kill(os.getpid(), signal.SIGTERM))
    upload = put_upload(b"")

    assert main(arguments(upload)) == 1

    status = jobs.load(upload.job_id)
    assert status.state == State.FAILED
    assert status.reason == "the job took longer than 0 s, its limit, and was stopped"


def test_a_job_over_its_time_limit_is_recorded_as_failed(
    put_upload: PutUpload,
    jobs: JobStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("HOUSING_TRAINING_TIMEOUT_SECONDS", "3600")
    monkeypatch.setattr(RUN_JOB, lambda **_: pytest.fail("it is over"))
    upload = put_upload(b"")
    jobs.create(job_status(upload.job_id, state=State.RUNNING))

    assert main([*arguments(upload), OVER_TIME]) == 1

    status = jobs.load(upload.job_id)
    assert status.state == State.FAILED
    assert status.reason == "the job took longer than 3,600 s, its limit, and was stopped"
    assert "a training job failed" in caplog.text


@pytest.mark.parametrize("seconds", ["", "soon"])
def test_a_time_that_is_no_number_ends_nothing(
    put_upload: PutUpload, monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    monkeypatch.setenv("HOUSING_TRAINING_TIMEOUT_SECONDS", seconds)
    monkeypatch.setattr(RUN_JOB, lambda **_: State.SUCCEEDED)

    assert main(arguments(put_upload(b""))) == 0


def test_a_stop_before_the_job_begins_leaves_one_that_had_ended_alone(
    put_upload: PutUpload, jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = put_upload(b"")
    jobs.create(job_status(upload.job_id, state=State.REJECTED))
    monkeypatch.setattr(RUN_JOB, lambda **_: os.kill(os.getpid(), signal.SIGTERM))

    assert main(arguments(upload)) == ExitStatus.NOT_REGISTERED

    assert jobs.load(upload.job_id).state == State.REJECTED


def test_a_job_that_had_ended_keeps_its_end(
    put_upload: PutUpload, jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = put_upload(b"")

    def end_and_crash(**_: object) -> State:
        jobs.save(job_status(upload.job_id, state=State.SUCCEEDED))
        raise ZeroDivisionError

    monkeypatch.setattr(RUN_JOB, end_and_crash)

    main(arguments(upload))

    assert jobs.load(upload.job_id).state == State.SUCCEEDED


def test_an_upload_that_is_empty_is_rejected_by_the_real_parts(
    put_upload: PutUpload, jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://registry.test")
    upload = put_upload(b"")

    state = run_job(
        bucket=upload.bucket, key=upload.key, version_id=upload.version_id, job_id=upload.job_id
    )

    assert state == State.REJECTED
    assert jobs.load(upload.job_id).reason == "the file is empty"


def test_the_program_says_how_it_is_called() -> None:
    command = [sys.executable, "-m", "retrain.training", "--help"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0
    assert "Exit status 0: the upload ended as a registered version" in " ".join(
        done.stdout.split()
    )
