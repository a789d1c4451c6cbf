"""The whole job on a bucket in memory, a fake registry and a fake tracker."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from fakes.alerts import FakeAlerts
from fakes.launcher import FakeJobLauncher
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from fakes.run_tracker import FakeRunTracker
from fakes.tables import as_csv, housing_table
from housing.errors import RegistryUnavailableError
from housing.jobs import JobStatus, JobStore, RowCounts, ShadowFigures, Stage, State
from housing.lease import Lease
from housing.registry import CHALLENGER, MODEL_FILE, PREVIOUS, PRODUCTION, Tag
from retrain.launcher import Job
from retrain.launching import launch_jobs
from retrain.training.errors import JobStoppedError, TrackingError
from retrain.training.fit import Fitted, fit
from retrain.training.ingest import Upload
from retrain.training.job import LEASE, run
from retrain.training.judging import Judged, judge_version
from retrain.training.parts import Parts
from retrain.training.scoring import score
from retrain.training.taking_in import take_in

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PutUpload = Callable[..., Upload]
Keys = Callable[[str], list[str]]
TABLE = housing_table(800)


def alias(registry: FakeModelRegistry, name: str = PRODUCTION) -> str:
    return registry.version_by_alias(name).version


def stop() -> None:
    raise JobStoppedError


def put_lease_of_another(s3: "S3Client") -> None:
    expires_at = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    held = {"holder": "another", "expires_at": expires_at, "nonce": "1"}
    s3.put_object(Bucket="housing-test", Key=LEASE, Body=json.dumps(held).encode())


def is_lease_free(s3: "S3Client") -> bool:
    held = json.loads(s3.get_object(Bucket="housing-test", Key=LEASE)["Body"].read())
    return datetime.fromisoformat(held["expires_at"]) <= datetime.now(UTC)


@pytest.fixture
def trained(parts: Parts, put_upload: PutUpload) -> Upload:
    """Run a first job to its end."""
    upload = put_upload(as_csv(TABLE))
    assert run(upload, parts) == State.SUCCEEDED
    return upload


def test_an_upload_ends_as_the_version_in_production(
    parts: Parts, put_upload: PutUpload, jobs: JobStore, registry: FakeModelRegistry
) -> None:
    upload = put_upload(as_csv(TABLE), **{"data-source": "generated"})

    assert run(upload, parts) == State.SUCCEEDED

    status = jobs.load(upload.job_id)
    assert (status.state, status.model_version, status.promoted) == (State.SUCCEEDED, "1", True)
    assert [time.stage for time in status.stages] == list(Stage)
    assert all(time.seconds is not None for time in status.stages)
    assert status.rows is not None
    assert (status.rows.read, status.rows.accepted, status.rows.new) == (800, 800, 800)
    assert (status.dataset_rows, status.data_source) == (800, "generated")
    assert status.verdict is not None
    assert status.verdict.promote
    assert status.metrics["rmse"] < status.metrics["baseline_rmse"]
    assert alias(registry) == "1"


def test_the_version_carries_what_its_users_go_by(
    trained: Upload, registry: FakeModelRegistry, jobs: JobStore
) -> None:
    tags = registry.version("1").tags
    model = registry.download("1", MODEL_FILE)
    status = jobs.load(trained.job_id)

    assert tags[Tag.SHA256] == hashlib.sha256(model).hexdigest()
    assert (tags[Tag.DATASET_ID], tags[Tag.JOB_ID]) == (status.dataset_id, trained.job_id)
    assert (tags[Tag.DATA_SOURCE], tags[Tag.SCHEMA_VERSION]) == ("upload", "1")
    assert float(tags[f"{Tag.METRIC_PREFIX}rmse"]) == pytest.approx(status.metrics["rmse"])
    assert score(model, TABLE.iloc[:3, :8].to_numpy(dtype="float32")).price.size == 3


@pytest.mark.usefixtures("trained")
def test_rows_that_are_there_already_are_counted_and_told(
    parts: Parts, put_upload: PutUpload, jobs: JobStore, read: Callable[[str], bytes]
) -> None:
    fresh = housing_table(10, seed=1)
    upload = put_upload(as_csv(pd.concat([TABLE[:30], fresh, fresh[:4]])))

    assert run(upload, parts) == State.SUCCEEDED

    status = jobs.load(upload.job_id)
    assert status.rows == RowCounts(
        read=44, accepted=44, rejected=0, new=10, duplicates=4, known=30
    )
    assert status.report_key == f"rejected/{upload.job_id}/report.json"
    report = json.loads(read(status.report_key))
    assert (report["rows_duplicate"], report["rows_known"]) == (4, 30)
    assert b"held before: 30" in read(f"rejected/{upload.job_id}/report.md")


@pytest.mark.usefixtures("trained")
def test_more_rows_make_another_version_of_all_rows(
    parts: Parts, put_upload: PutUpload, jobs: JobStore, tracker: FakeRunTracker
) -> None:
    more = put_upload(as_csv(housing_table(300, seed=1)))

    run(more, parts)

    status = jobs.load(more.job_id)
    assert (status.model_version, status.dataset_rows) == ("2", 1_100)
    assert status.rows is not None
    assert status.rows.new == 300
    assert len(tracker.candidates) == 2


class FixedShadowReport:
    """Says the same of every version."""

    def figures(self, version: str) -> ShadowFigures | None:
        """See ``ShadowReport.figures``."""
        return ShadowFigures(version=version, days=7, requests=5, errors=0, timed_out=0)


@pytest.mark.usefixtures("trained")
def test_the_verdict_tells_how_the_challenger_did_in_shadow(
    parts: Parts, put_upload: PutUpload, jobs: JobStore, registry: FakeModelRegistry
) -> None:
    registry.set_alias(CHALLENGER, "1")
    more = put_upload(as_csv(housing_table(300, seed=1)))

    run(more, replace(parts, shadow_report=FixedShadowReport()))

    status = jobs.load(more.job_id)
    assert status.verdict is not None
    assert status.verdict.shadow is not None
    assert (status.model_version, status.verdict.shadow.version) == ("2", "1")


@pytest.mark.usefixtures("trained")
def test_rows_that_were_trained_on_are_not_trained_on_again(
    parts: Parts,
    put_upload: PutUpload,
    tracker: FakeRunTracker,
    alerts: FakeAlerts,
) -> None:
    again = put_upload(as_csv(TABLE.iloc[::-1]), name="again.csv")

    assert run(again, parts) == State.SUCCEEDED

    status = parts.jobs.load(again.job_id)
    assert status.message == "version 1 was already trained on exactly these rows"
    assert (status.model_version, status.promoted) == ("1", None)
    assert len(tracker.candidates) == 1
    assert len(alerts.sent) == 1


@pytest.mark.usefixtures("trained")
def test_other_settings_train_again_on_the_same_rows(
    parts: Parts, put_upload: PutUpload, jobs: JobStore
) -> None:
    settings = parts.settings.model_copy(update={"iterations": 31})
    again = put_upload(as_csv(TABLE))

    run(again, replace(parts, settings=settings))

    assert jobs.load(again.job_id).model_version == "2"


def test_a_job_that_is_done_is_not_run_again(
    trained: Upload, parts: Parts, jobs: JobStore, alerts: FakeAlerts
) -> None:
    before = jobs.load(trained.job_id)

    assert run(trained, parts) == State.SUCCEEDED

    assert jobs.load(trained.job_id) == before
    assert len(alerts.sent) == 1


@pytest.mark.usefixtures("trained")
def test_a_worse_model_is_registered_and_not_promoted(
    parts: Parts,
    put_upload: PutUpload,
    jobs: JobStore,
    registry: FakeModelRegistry,
    alerts: FakeAlerts,
) -> None:
    spoilt = housing_table(800, seed=2)
    spoilt["MedHouseVal"] = spoilt["MedHouseVal"].sample(frac=1, random_state=0).to_numpy()
    upload = put_upload(as_csv(spoilt))
    weak = parts.settings.model_copy(update={"iterations": 1})

    assert run(upload, replace(parts, settings=weak)) == State.SUCCEEDED

    status = jobs.load(upload.job_id)
    assert (status.model_version, status.promoted) == ("2", False)
    assert alias(registry) == "1"
    assert alias(registry, "challenger") == "2"
    assert [alert.event for alert in alerts.sent] == ["model_promoted", "model_not_promoted"]


def test_a_champion_that_does_not_load_counts_as_none_and_it_is_said(
    parts: Parts, put_upload: PutUpload, jobs: JobStore, registry: FakeModelRegistry
) -> None:
    broken = registry.register(
        {MODEL_FILE: b"broken"}, tags={Tag.SHA256: hashlib.sha256(b"broken").hexdigest()}
    )
    registry.set_alias(PRODUCTION, broken.version)
    upload = put_upload(as_csv(TABLE))

    run(upload, parts)

    verdict = jobs.load(upload.job_id).verdict
    assert verdict is not None
    assert "version 1 in production does not load" in verdict.reason
    assert (alias(registry), alias(registry, PREVIOUS)) == ("2", "1")


@pytest.mark.usefixtures("trained")
def test_a_file_that_is_rejected_says_why_and_touches_nothing(
    parts: Parts,
    put_upload: PutUpload,
    registry: FakeModelRegistry,
    alerts: FakeAlerts,
    keys: Keys,
) -> None:
    before = (keys("dataset/"), keys("models/"), keys("ledger/"))
    upload = put_upload(b"MedInc,HouseAge\n1,2\n", name="bad.csv")

    assert run(upload, parts) == State.REJECTED

    status = parts.jobs.load(upload.job_id)
    assert status.reason is not None
    assert status.reason.startswith("missing columns AveRooms")
    assert status.next_step
    assert status.report_key == f"rejected/{upload.job_id}/report.json"
    assert (status.stage, status.stages[-1].seconds) == (Stage.INGEST, None)
    assert (keys("dataset/"), keys("models/"), keys("ledger/")) == before
    assert alias(registry) == "1"
    assert (alerts.sent[-1].event, alerts.sent[-1].reason) == ("upload_rejected", status.reason)


def test_too_few_rows_fail_with_how_many_are_needed_and_stay_in_the_data_set(
    parts: Parts, put_upload: PutUpload, jobs: JobStore, keys: Keys
) -> None:
    upload = put_upload(as_csv(housing_table(12)))

    assert run(upload, parts) == State.FAILED

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
        (JobStoppedError(), "the job was stopped"),
    ],
    ids=["tracking", "registry", "unforeseen", "stopped"],
)
def test_whatever_goes_wrong_is_written_told_once_and_frees_the_lease(
    parts: Parts,
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

    assert [run(upload, parts), run(upload, parts)] == [State.FAILED, State.FAILED]

    status = parts.jobs.load(upload.job_id)
    assert (status.state, status.stage, status.reason) == (State.FAILED, Stage.REGISTER, reason)
    assert status.next_step
    assert status.finished_at
    assert [alert.event for alert in alerts.sent] == ["training_failed"]
    assert is_lease_free(parts.s3)


def test_a_job_that_failed_once_may_succeed_the_second_time(
    parts: Parts, put_upload: PutUpload, jobs: JobStore, tracker: FakeRunTracker
) -> None:
    tracker.on_register = stop
    upload = put_upload(as_csv(TABLE))
    run(upload, parts)
    tracker.on_register = lambda: None

    assert run(upload, parts) == State.SUCCEEDED

    status = jobs.load(upload.job_id)
    assert (status.reason, status.model_version) == (None, "1")
    assert status.rows is not None
    assert status.rows.new == 800


def test_a_version_that_never_got_its_verdict_gets_it_from_the_next_job(
    parts: Parts,
    put_upload: PutUpload,
    registry: FakeModelRegistry,
    tracker: FakeRunTracker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = put_upload(as_csv(TABLE))
    with monkeypatch.context() as patched:
        patched.setattr("retrain.training.pipeline.judge_version", lambda *_, **__: stop())
        assert run(upload, parts) == State.FAILED

    assert run(upload, parts) == State.SUCCEEDED

    assert len(tracker.candidates) == 1
    assert registry.version("1").tags[Tag.VERDICT] == "promoted"
    assert alias(registry) == "1"


def test_a_promotion_that_broke_off_is_finished_by_the_next_job(
    parts: Parts, put_upload: PutUpload, registry: FakeModelRegistry
) -> None:
    champion = linear_model(bias=9)
    tags = {Tag.SHA256: hashlib.sha256(champion).hexdigest()}
    registry.set_alias(PRODUCTION, registry.register({MODEL_FILE: champion}, tags=tags).version)
    upload = put_upload(as_csv(TABLE))
    set_tag = registry.set_tag
    registry.set_tag = lambda *_: stop()  # type: ignore[method-assign]
    assert run(upload, parts) == State.FAILED
    registry.set_tag = set_tag  # type: ignore[method-assign]

    assert run(upload, parts) == State.SUCCEEDED

    assert (alias(registry), alias(registry, PREVIOUS)) == ("2", "1")
    assert registry.version("2").tags[Tag.VERDICT] == "promoted"
    assert len(parts.ledger.newest(10)) == 3  # one of them notes what this test did by hand


def test_a_job_waits_for_its_turn_and_says_for_whom(
    parts: Parts, put_upload: PutUpload, jobs: JobStore, s3: "S3Client"
) -> None:
    other = Lease(s3, "housing-test", LEASE, holder="the-other", seconds=60)
    turn = other.held(wait_seconds=0, on_wait=lambda _: None)
    upload = put_upload(as_csv(TABLE))
    seen: list[JobStatus] = []

    def let_go(_seconds: float) -> None:
        seen.append(jobs.load(upload.job_id))
        turn.__exit__(None, None, None)

    turn.__enter__()
    assert run(upload, parts, sleep=let_go) == State.SUCCEEDED

    (waiting,) = seen
    assert (waiting.state, waiting.stage) == (State.RUNNING, Stage.WAIT)
    assert waiting.message == "waiting for the-other to end"


def test_uploads_that_wait_are_trained_on_together_once(
    parts: Parts, put_upload: PutUpload, jobs: JobStore, tracker: FakeRunTracker, s3: "S3Client"
) -> None:
    first, *others = (
        put_upload(as_csv(housing_table(400, seed=seed)), name=f"{seed}.csv") for seed in range(3)
    )
    busy = Lease(s3, "housing-test", LEASE, holder="busy", seconds=60)
    turn = busy.held(wait_seconds=0, on_wait=lambda _: None)

    def others_come_and_the_turn_is_free(_seconds: float) -> None:
        for upload in others:
            take_in(upload, parts)
        turn.__exit__(None, None, None)

    turn.__enter__()
    run(first, parts, sleep=others_come_and_the_turn_is_free)
    ends = [run(upload, parts) for upload in others]

    assert ends == [State.SUCCEEDED, State.SUCCEEDED]
    assert len(tracker.candidates) == 1
    ended = [jobs.load(upload.job_id) for upload in (first, *others)]
    assert {(status.model_version, status.dataset_rows) for status in ended} == {("1", 1_200)}
    assert [status.rows.new for status in ended if status.rows] == [400, 400, 400]


def test_uploads_whose_jobs_queue_are_trained_on_together_once(
    parts: Parts,
    put_upload: PutUpload,
    jobs: JobStore,
    tracker: FakeRunTracker,
    launcher: FakeJobLauncher,
) -> None:
    first, *others = (
        put_upload(as_csv(housing_table(400, seed=seed)), name=f"{seed}.csv") for seed in range(3)
    )
    bad = put_upload(b"MedInc\n1\n", name="bad.csv")
    queued = [Job(one.bucket, one.key, one.version_id) for one in (first, *others, bad)]
    launch_jobs(queued, jobs, launcher)

    ends = [run(upload, parts) for upload in (first, *others, bad)]

    assert ends == [State.SUCCEEDED] * 3 + [State.REJECTED]
    assert len(tracker.candidates) == 1
    assert jobs.load(first.job_id).dataset_rows == 1_200


@pytest.mark.usefixtures("trained")
def test_production_that_changes_while_a_version_is_judged_is_judged_against(
    parts: Parts,
    put_upload: PutUpload,
    jobs: JobStore,
    registry: FakeModelRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = linear_model(bias=9)
    tags = {Tag.SHA256: hashlib.sha256(other).hexdigest()}
    real = judge_version
    judged: list[str | None] = []

    def judge_and_be_overtaken(*given: Any) -> Judged:
        found = real(*given)
        if not judged:
            registry.set_alias(
                PRODUCTION, registry.register({MODEL_FILE: other}, tags=tags).version
            )
        judged.append(found.champion)
        return found

    monkeypatch.setattr("retrain.training.pipeline.judge_version", judge_and_be_overtaken)
    upload = put_upload(as_csv(housing_table(300, seed=1)))

    assert run(upload, parts) == State.SUCCEEDED

    assert judged == ["1", "3"]
    verdict = jobs.load(upload.job_id).verdict
    assert verdict is not None
    assert verdict.champion_version == "3"


def test_waiting_has_an_end(
    parts: Parts, put_upload: PutUpload, jobs: JobStore, s3: "S3Client"
) -> None:
    settings = parts.settings.model_copy(update={"lease_wait_seconds": 0})
    upload = put_upload(as_csv(TABLE))
    other = Lease(s3, "housing-test", LEASE, holder="the-other", seconds=60)

    with other.held(wait_seconds=0, on_wait=lambda _: None):
        assert run(upload, replace(parts, settings=settings)) == State.FAILED

    assert jobs.load(upload.job_id).reason == "the-other held the lease for longer than 0 s"


def test_a_job_that_its_twin_has_done_meanwhile_does_nothing(
    parts: Parts, put_upload: PutUpload, jobs: JobStore, alerts: FakeAlerts, s3: "S3Client"
) -> None:
    upload = put_upload(as_csv(TABLE))
    twin = Lease(s3, "housing-test", LEASE, holder=f"job {upload.job_id}", seconds=60)
    turn = twin.held(wait_seconds=0, on_wait=lambda _: None)

    def end_twin(_seconds: float) -> None:
        status = jobs.load(upload.job_id)
        status.state, status.model_version = State.SUCCEEDED, "7"
        jobs.save(status)
        turn.__exit__(None, None, None)

    turn.__enter__()
    assert run(upload, parts, sleep=end_twin) == State.SUCCEEDED

    assert jobs.load(upload.job_id).model_version == "7"
    assert alerts.sent == []


def test_a_lease_that_is_lost_keeps_the_job_from_registering(
    parts: Parts,
    put_upload: PutUpload,
    tracker: FakeRunTracker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = put_upload(as_csv(TABLE))

    def fit_for_too_long(*given: Any) -> Fitted:
        put_lease_of_another(parts.s3)
        return fit(*given)

    monkeypatch.setattr("retrain.training.modelling.fit", fit_for_too_long)
    settings = parts.settings.model_copy(update={"lease_seconds": 0.2})

    assert run(upload, replace(parts, settings=settings)) == State.FAILED

    assert "lost its lease" in str(parts.jobs.load(upload.job_id).reason)
    assert tracker.candidates == []
    assert not is_lease_free(parts.s3)


def test_nothing_of_the_upload_is_changed(trained: Upload, s3: "S3Client") -> None:
    versions = s3.list_object_versions(Bucket="housing-test", Prefix="new_data/")

    assert [entry["VersionId"] for entry in versions["Versions"]] == [trained.version_id]
    assert "DeleteMarkers" not in versions
