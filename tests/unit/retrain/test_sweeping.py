"""A job that died is started again; one that dies and dies is given up."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from fakes.launcher import FakeJobLauncher
from housing.errors import JobTakenOverError, ObjectError
from housing.jobs.status import JobStatus, JobStore, Stage, State
from retrain import sweeping
from retrain.errors import LaunchError
from retrain.launcher import Job
from retrain.launching import launch_jobs
from retrain.sweeping import DEAD_AFTER, MOST_LAUNCHES, sweep

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
JOB = Job(bucket=BUCKET, key="new_data/a.csv", version_id="v1")


class Later(datetime):
    """The time of a sweep, when all that the test wrote is old."""

    @classmethod
    def now(cls, _tz: object = None) -> datetime:  # type: ignore[override]
        return datetime.now(UTC) + DEAD_AFTER + timedelta(seconds=5)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "datetime", Later)


def begun(jobs: JobStore, launcher: FakeJobLauncher, **changes: object) -> JobStatus:
    """Return the status of a job that was launched and is at work."""
    launch_jobs([JOB], jobs, launcher)
    status = jobs.load(JOB.job_id)
    status.state, status.stage = State.RUNNING, Stage.FIT
    for name, value in changes.items():
        setattr(status, name, value)
    jobs.save(status)
    launcher.launched.clear()
    return status


@pytest.mark.usefixtures("later")
def test_a_job_that_gives_no_sign_of_life_is_started_again(
    jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    begun(jobs, launcher)

    swept = sweep(jobs, launcher, bucket=BUCKET)

    assert swept.started == [JOB.job_id]
    assert launcher.launched == [JOB]
    status = jobs.load(JOB.job_id)
    assert (status.state, status.launches) == (State.QUEUED, 2)


@pytest.mark.usefixtures("later")
def test_the_old_process_can_write_no_more(jobs: JobStore, launcher: FakeJobLauncher) -> None:
    old = begun(jobs, launcher)

    sweep(jobs, launcher, bucket=BUCKET)

    with pytest.raises(JobTakenOverError):
        jobs.save_own(old)


@pytest.mark.usefixtures("later")
def test_an_upload_without_versions_is_started_again_by_its_etag(
    jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    job = Job(bucket=BUCKET, key="new_data/a.csv", version_id=None, etag="e1")
    launch_jobs([job], jobs, launcher)
    status = jobs.load(job.job_id)
    status.state = State.RUNNING
    jobs.save(status)
    launcher.launched.clear()

    sweep(jobs, launcher, bucket=BUCKET)

    assert launcher.launched == [job]


def test_a_job_that_lives_is_left_alone(jobs: JobStore, launcher: FakeJobLauncher) -> None:
    begun(jobs, launcher)

    assert sweep(jobs, launcher, bucket=BUCKET).started == []
    assert launcher.launched == []


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("state", [State.SUCCEEDED, State.REJECTED, State.FAILED])
def test_a_job_that_has_ended_is_left_alone(
    jobs: JobStore, launcher: FakeJobLauncher, state: State
) -> None:
    begun(jobs, launcher, state=state)

    assert sweep(jobs, launcher, bucket=BUCKET).started == []


@pytest.mark.usefixtures("later")
def test_a_job_that_still_waits_in_a_queue_is_left_alone(
    jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    launch_jobs([JOB], jobs, launcher)

    assert sweep(jobs, launcher, bucket=BUCKET).started == []


@pytest.mark.usefixtures("later")
def test_a_job_whose_launch_failed_for_good_is_launched(
    jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    launcher.fails_with = LaunchError("the queue is gone")
    with pytest.raises(LaunchError):
        launch_jobs([JOB], jobs, launcher)
    launcher.fails_with = None

    assert sweep(jobs, launcher, bucket=BUCKET).started == [JOB.job_id]


@pytest.mark.usefixtures("later")
def test_a_job_that_died_too_often_is_given_up(jobs: JobStore, launcher: FakeJobLauncher) -> None:
    begun(jobs, launcher, launches=MOST_LAUNCHES)

    swept = sweep(jobs, launcher, bucket=BUCKET)

    assert ([one.job_id for one in swept.given_up], launcher.launched) == ([JOB.job_id], [])
    status = jobs.load(JOB.job_id)
    assert (status.state, status.reason) == (
        State.FAILED,
        "the job died 3 times, last in the stage fit",
    )
    assert status.next_step


@pytest.mark.usefixtures("later")
def test_an_event_that_comes_again_takes_over_a_dead_job(
    jobs: JobStore, launcher: FakeJobLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(jobs, launcher)
    monkeypatch.setattr("retrain.launching.datetime", Later)

    launched = launch_jobs([JOB], jobs, launcher)

    assert launched.started == [JOB.job_id]
    assert jobs.load(JOB.job_id).launches == 2


@pytest.mark.usefixtures("later")
def test_a_job_that_writes_at_that_very_moment_lives(
    jobs: JobStore, launcher: FakeJobLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(jobs, launcher)
    silent = jobs.silent

    def then_it_writes(**given: datetime) -> list[JobStatus]:
        found = list(silent(**given))
        jobs.save(jobs.load(JOB.job_id))
        return found

    monkeypatch.setattr(jobs, "silent", then_it_writes)

    swept = sweep(jobs, launcher, bucket=BUCKET)

    assert (swept.started, swept.given_up, launcher.launched) == ([], [], [])
    assert jobs.load(JOB.job_id).state == State.RUNNING


def test_trouble_of_the_bucket_is_raised(
    jobs: JobStore, launcher: FakeJobLauncher, s3: "S3Client"
) -> None:
    s3.delete_bucket(Bucket=BUCKET)

    with pytest.raises(ObjectError):
        sweep(jobs, launcher, bucket=BUCKET)


@pytest.mark.usefixtures("later")
def test_a_job_that_cannot_be_started_again_fails_the_sweep_and_stays_to_be_swept(
    jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    begun(jobs, launcher)
    launcher.fails_with = LaunchError("the queue is gone")

    with pytest.raises(LaunchError, match="the queue is gone"):
        sweep(jobs, launcher, bucket=BUCKET)

    status = jobs.load(JOB.job_id)
    assert (status.state, status.launches) == (State.QUEUED, 2)
