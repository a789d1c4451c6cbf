"""Failed jobs: one alert, nothing changed, and resumed."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fakes.alerts import FakeAlerts
from fakes.faulty_s3 import FaultyS3, cut
from fakes.leases import is_lease_free
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from fakes.run_tracker import FakeRunTracker
from fakes.tables import as_csv, housing_table
from housing.errors import RegistryUnavailableError
from housing.jobs.status import JobStore, Stage, State
from housing.registry.port import MODEL_FILE, PREVIOUS, PRODUCTION, Tag
from retrain.training.errors import JobOverTimeError, JobStoppedError, TrackingError
from retrain.training.job.context import JobContext
from retrain.training.job.job import run
from retrain.training.upload.ingest import Upload

PutUpload = Callable[..., Upload]
Keys = Callable[[str], list[str]]
TABLE = housing_table(800)


_MOST_OF_A_STATUS = 10_000  # bytes; the upload has more


def alias(registry: FakeModelRegistry, name: str = PRODUCTION) -> str:
    return registry.version_by_alias(name).version


def stop() -> None:
    raise JobStoppedError


def test_too_few_rows_fail_with_how_many_are_needed_and_stay_in_the_data_set(
    context: JobContext, put_upload: PutUpload, jobs: JobStore, keys: Keys
) -> None:
    upload = put_upload(as_csv(housing_table(12)))

    assert run(upload, context) == State.FAILED

    status = jobs.load(upload.job_id)
    assert status.reason == "the data set has 12 rows, 200 are needed"
    assert status.next_step is not None
    assert "upload more" in status.next_step
    assert status.dataset_rows == 12
    assert len(keys("dataset/")) == 1


@pytest.mark.parametrize(
    "case",
    [
        (TrackingError("MLflow did not take it"), "MLflow did not take it"),
        (RegistryUnavailableError("it is down"), "it is down"),
        (ZeroDivisionError("by\nzero"), "ZeroDivisionError: by"),
        (JobOverTimeError(60), "the job took longer than 60 s, its limit, and was stopped"),
    ],
    ids=["tracking", "registry", "unforeseen", "over-time"],
)
def test_every_failure_is_recorded_and_sent_once_and_frees_the_lease(
    context: JobContext,
    put_upload: PutUpload,
    tracker: FakeRunTracker,
    alerts: FakeAlerts,
    case: tuple[BaseException, str],
) -> None:
    error, reason = case

    def fail() -> None:
        raise error

    tracker.on_register = fail
    upload = put_upload(as_csv(TABLE))

    assert [run(upload, context), run(upload, context)] == [State.FAILED, State.FAILED]

    status = context.jobs.load(upload.job_id)
    assert (status.state, status.stage, status.reason) == (State.FAILED, Stage.REGISTER, reason)
    assert status.next_step
    assert status.finished_at
    assert [alert.event for alert in alerts.sent] == ["training_failed"]
    assert is_lease_free(context.s3, "housing-test")


def test_a_connection_that_is_cut_makes_no_success_of_half_a_file(
    context: JobContext, put_upload: PutUpload, jobs: JobStore, keys: Keys, faulty: FaultyS3
) -> None:
    network: Any = faulty
    upload = put_upload(as_csv(TABLE))
    key = upload.key

    def cut_upload(call: Callable[[], Any]) -> Any:
        answer = call()
        return cut(0.5)(lambda: answer) if answer["ContentLength"] > _MOST_OF_A_STATUS else answer

    faulty.fail("get_object", *[cut_upload] * 30)
    assert run(upload, replace(context, s3=network)) == State.FAILED

    status = jobs.load(upload.job_id)
    assert f"{key} cannot be read: " in str(status.reason)
    assert "of" in str(status.reason)
    assert status.next_step
    assert "bucket" in status.next_step
    assert keys("dataset/") == []

    assert run(upload, context) == State.SUCCEEDED
    rows = jobs.load(upload.job_id).rows
    assert rows
    assert (rows.read, rows.new) == (800, 800)


def test_a_stopped_job_waits_for_the_sweep_without_an_alert(
    context: JobContext, put_upload: PutUpload, tracker: FakeRunTracker, alerts: FakeAlerts
) -> None:
    tracker.on_register = stop
    upload = put_upload(as_csv(TABLE))

    assert run(upload, context) == State.QUEUED

    status = context.jobs.load(upload.job_id)
    assert status.reason == "the job was stopped in the stage register"
    assert status.finished_at is None
    assert alerts.sent == []
    assert is_lease_free(context.s3, "housing-test")


def test_a_job_that_failed_once_may_succeed_the_second_time(
    context: JobContext, put_upload: PutUpload, jobs: JobStore, tracker: FakeRunTracker
) -> None:
    tracker.on_register = stop
    upload = put_upload(as_csv(TABLE))
    run(upload, context)
    tracker.on_register = lambda: None

    assert run(upload, context) == State.SUCCEEDED

    status = jobs.load(upload.job_id)
    assert (status.reason, status.model_version) == (None, "1")
    assert status.rows is not None
    assert status.rows.new == 800


def test_a_version_that_never_got_its_verdict_gets_it_from_the_next_job(
    context: JobContext,
    put_upload: PutUpload,
    registry: FakeModelRegistry,
    tracker: FakeRunTracker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = put_upload(as_csv(TABLE))
    with monkeypatch.context() as patched:
        patched.setattr("retrain.training.job.pipeline.judge_version", lambda *_, **__: stop())
        assert run(upload, context) == State.QUEUED

    assert run(upload, context) == State.SUCCEEDED

    assert len(tracker.candidates) == 1
    assert registry.version("1").tags[Tag.VERDICT] == "promoted"
    assert alias(registry) == "1"


def test_a_promotion_that_broke_off_is_finished_by_the_next_job(
    context: JobContext, put_upload: PutUpload, registry: FakeModelRegistry
) -> None:
    champion = linear_model(bias=9)
    tags = {Tag.SHA256: hashlib.sha256(champion).hexdigest()}
    registry.set_alias(PRODUCTION, registry.register({MODEL_FILE: champion}, tags=tags).version)
    upload = put_upload(as_csv(TABLE))
    set_tag = registry.set_tag
    registry.set_tag = lambda *_: stop()  # type: ignore[method-assign]
    assert run(upload, context) == State.QUEUED
    registry.set_tag = set_tag  # type: ignore[method-assign]

    assert run(upload, context) == State.SUCCEEDED

    assert (alias(registry), alias(registry, PREVIOUS)) == ("2", "1")
    assert registry.version("2").tags[Tag.VERDICT] == "promoted"
    assert len(context.ledger.newest(10)) == 3  # one of them notes what this test did by hand
