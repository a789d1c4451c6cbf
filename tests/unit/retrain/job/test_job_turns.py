"""Jobs that wait, are overtaken, or are trained on together."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from boto3.exceptions import S3UploadFailedError

from fakes.alerts import FakeAlerts
from fakes.faulty_s3 import FaultyS3
from fakes.launcher import FakeJobLauncher
from fakes.leases import is_lease_free, put_lease_of_another
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from fakes.run_tracker import FakeRunTracker
from fakes.sweeps import RULES
from fakes.tables import as_csv, housing_table
from housing.jobs.results import Verdict
from housing.jobs.status import JobStatus, JobStore, Stage, State
from housing.registry.port import MODEL_FILE, PRODUCTION, Tag
from housing.s3.lease import Lease
from retrain.launcher import Job
from retrain.launching import launch_jobs
from retrain.training.gate.champion import Champion
from retrain.training.gate.comparison import judge_version
from retrain.training.job.context import JobContext
from retrain.training.job.intake import add_queued_uploads, add_upload
from retrain.training.job.job import LEASE, run
from retrain.training.model.fit import Fitted, fit
from retrain.training.upload.ingest import Upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PutUpload = Callable[..., Upload]
TABLE = housing_table(800)


def alias(registry: FakeModelRegistry, name: str = PRODUCTION) -> str:
    return registry.version_by_alias(name).version


def test_a_job_waits_for_its_turn_and_says_for_whom(
    context: JobContext, put_upload: PutUpload, jobs: JobStore, s3: "S3Client"
) -> None:
    other = Lease(s3, "housing-test", LEASE, holder="the-other", seconds=60)
    turn = other.held(wait_seconds=0, on_wait=lambda _: None)
    upload = put_upload(as_csv(TABLE))
    seen: list[JobStatus] = []

    def let_go(_seconds: float) -> None:
        seen.append(jobs.load(upload.job_id))
        turn.__exit__(None, None, None)

    turn.__enter__()
    assert run(upload, context, sleep=let_go) == State.SUCCEEDED

    (waiting,) = seen
    assert (waiting.state, waiting.stage) == (State.RUNNING, Stage.WAIT)
    assert waiting.message == "waiting for the-other to end"


def test_uploads_that_wait_are_trained_on_together_once(
    context: JobContext,
    put_upload: PutUpload,
    jobs: JobStore,
    tracker: FakeRunTracker,
    s3: "S3Client",
) -> None:
    first, *others = (
        put_upload(as_csv(housing_table(400, seed=seed)), name=f"{seed}.csv") for seed in range(3)
    )
    busy = Lease(s3, "housing-test", LEASE, holder="busy", seconds=60)
    turn = busy.held(wait_seconds=0, on_wait=lambda _: None)

    def others_come_and_the_turn_is_free(_seconds: float) -> None:
        for upload in others:
            add_upload(upload, context)
        turn.__exit__(None, None, None)

    turn.__enter__()
    run(first, context, sleep=others_come_and_the_turn_is_free)
    ends = [run(upload, context) for upload in others]

    assert ends == [State.SUCCEEDED, State.SUCCEEDED]
    assert len(tracker.candidates) == 1
    ended = [jobs.load(upload.job_id) for upload in (first, *others)]
    assert {(status.model_version, status.dataset_rows) for status in ended} == {("1", 1_200)}
    assert [status.rows.new for status in ended if status.rows] == [400, 400, 400]


def test_uploads_whose_jobs_queue_are_trained_on_together_once(
    context: JobContext,
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
    launch_jobs(queued, jobs, launcher, RULES)

    ends = [run(upload, context) for upload in (first, *others, bad)]

    assert ends == [State.SUCCEEDED] * 3 + [State.REJECTED]
    assert len(tracker.candidates) == 1
    assert jobs.load(first.job_id).dataset_rows == 1_200


def test_queued_uploads_over_the_bound_of_a_turn_are_left_to_their_own_jobs(
    context: JobContext,
    put_upload: PutUpload,
    jobs: JobStore,
    launcher: FakeJobLauncher,
    s3: "S3Client",
) -> None:
    content = as_csv(housing_table(300, seed=1))
    one, other, large, gone = (
        put_upload(as_csv(housing_table(rows, seed=rows)), name=f"{rows}.csv")
        for rows in (300, 280, 4_000, 50)
    )
    uploads = gone, large, one, other
    queued = [Job(upload.bucket, upload.key, upload.version_id) for upload in uploads]
    launch_jobs(queued, jobs, launcher, RULES)
    s3.delete_object(Bucket=gone.bucket, Key=gone.key, VersionId=str(gone.version_id))
    bounded = context.settings.model_copy(update={"max_queued_bytes": int(1.5 * len(content))})

    taken = add_queued_uploads(replace(context, settings=bounded), known=())

    assert taken == 1
    (added,) = context.dataset.uploads()
    assert added.job_id in {one.job_id, other.job_id}
    assert {jobs.load(job_id).state for job_id in (large.job_id, gone.job_id)} == {State.QUEUED}
    assert not s3.list_objects_v2(Bucket=one.bucket, Prefix="rejected/").get("Contents")


def test_a_report_that_cannot_be_uploaded_ends_no_other_job(
    context: JobContext, put_upload: PutUpload, jobs: JobStore, faulty: FaultyS3, s3: "S3Client"
) -> None:
    upload = put_upload(as_csv(TABLE))
    table = housing_table(40, seed=1).astype({"MedInc": object})
    table.loc[:0, "MedInc"] = "?"
    other = put_upload(as_csv(table), name="bad.csv")
    queued = Job(bucket="housing-test", key=other.key, version_id=other.version_id)
    launch_jobs([queued], JobStore(s3, "housing-test"), FakeJobLauncher(), RULES)

    def refuse(_call: Callable[[], Any]) -> Any:
        msg = "Failed to upload"
        raise S3UploadFailedError(msg)

    faulty.fail("upload_file", *[refuse] * 20)
    network: Any = faulty

    assert run(upload, replace(context, s3=network)) == State.SUCCEEDED

    assert jobs.load(upload.job_id).dataset_rows == 800
    assert jobs.load(other.job_id).state == State.QUEUED


@pytest.mark.usefixtures("trained")
def test_production_that_changes_while_a_version_is_judged_is_judged_against(
    context: JobContext,
    put_upload: PutUpload,
    jobs: JobStore,
    registry: FakeModelRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = linear_model(bias=9)
    tags = {Tag.SHA256: hashlib.sha256(other).hexdigest()}
    real = judge_version
    judged: list[str] = []

    def judge_and_be_overtaken(*given: Any, champion: Champion, **more: Any) -> Verdict:
        verdict = real(*given, champion=champion, **more)
        if not judged:
            registry.set_alias(
                PRODUCTION, registry.register({MODEL_FILE: other}, tags=tags).version
            )
        judged.append(champion.version.version)
        return verdict

    monkeypatch.setattr("retrain.training.job.pipeline.judge_version", judge_and_be_overtaken)
    upload = put_upload(as_csv(housing_table(300, seed=1)))

    assert run(upload, context) == State.SUCCEEDED

    assert judged == ["1", "3"]
    verdict = jobs.load(upload.job_id).verdict
    assert verdict is not None
    assert verdict.champion_version == "3"


@pytest.mark.usefixtures("trained")
def test_a_job_that_is_overtaken_at_every_judging_gives_up_and_promotes_nothing(
    context: JobContext,
    put_upload: PutUpload,
    jobs: JobStore,
    registry: FakeModelRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = judge_version
    put: list[str] = []

    def judge_and_be_overtaken(*given: Any, **more: Any) -> Verdict:
        verdict = real(*given, **more)
        other = linear_model(bias=9 + len(put))
        tags = {Tag.SHA256: hashlib.sha256(other).hexdigest()}
        put.append(registry.register({MODEL_FILE: other}, tags=tags).version)
        registry.set_alias(PRODUCTION, put[-1])
        return verdict

    monkeypatch.setattr("retrain.training.job.pipeline.judge_version", judge_and_be_overtaken)
    upload = put_upload(as_csv(housing_table(300, seed=1)))

    assert run(upload, context) == State.FAILED

    assert len(put) > 1
    assert alias(registry) == put[-1]
    assert jobs.load(upload.job_id).promoted is None


def test_waiting_has_an_end(
    context: JobContext, put_upload: PutUpload, jobs: JobStore, s3: "S3Client"
) -> None:
    settings = context.settings.model_copy(update={"lease_wait_seconds": 0})
    upload = put_upload(as_csv(TABLE))
    other = Lease(s3, "housing-test", LEASE, holder="the-other", seconds=60)

    with other.held(wait_seconds=0, on_wait=lambda _: None):
        assert run(upload, replace(context, settings=settings)) == State.FAILED

    assert jobs.load(upload.job_id).reason == "the-other held the lease for longer than 0 s"


def test_a_job_that_its_twin_has_done_meanwhile_does_nothing(
    context: JobContext, put_upload: PutUpload, jobs: JobStore, alerts: FakeAlerts, s3: "S3Client"
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
    assert run(upload, context, sleep=end_twin) == State.SUCCEEDED

    assert jobs.load(upload.job_id).model_version == "7"
    assert alerts.sent == []


def test_a_lease_that_is_lost_keeps_the_job_from_registering(
    context: JobContext,
    put_upload: PutUpload,
    tracker: FakeRunTracker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = put_upload(as_csv(TABLE))

    def fit_for_too_long(*given: Any) -> Fitted:
        put_lease_of_another(context.s3, "housing-test")
        return fit(*given)

    monkeypatch.setattr("retrain.training.job.candidate.fit", fit_for_too_long)
    settings = context.settings.model_copy(update={"lease_seconds": 0.2})

    assert run(upload, replace(context, settings=settings)) == State.FAILED

    assert "lost its lease" in str(context.jobs.load(upload.job_id).reason)
    assert tracker.candidates == []
    assert not is_lease_free(context.s3, "housing-test")
