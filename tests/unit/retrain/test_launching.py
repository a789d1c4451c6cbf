"""Every upload gets one job, however often its event arrives."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from fakes.launcher import FakeJobLauncher
from fakes.sweeps import RULES
from housing.errors import ObjectUnavailableError
from housing.jobs.status import JobStore, Stage, State
from retrain.errors import LaunchError
from retrain.launcher import Job
from retrain.launching import launch_jobs

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

JOB = Job(bucket="housing-test", key="new_data/a.csv", version_id="v1")
OTHER = Job(bucket="housing-test", key="new_data/b.csv", version_id="v2")


def test_a_new_upload_is_queued_and_launched(jobs: JobStore, launcher: FakeJobLauncher) -> None:
    launched = launch_jobs([JOB], jobs, launcher, RULES)

    status = jobs.load(JOB.job_id)
    assert launched.started == [JOB.job_id]
    assert launcher.launched == [JOB]
    assert (status.state, status.stage) == (State.QUEUED, Stage.LAUNCH)
    assert (status.upload_key, status.upload_version) == ("new_data/a.csv", "v1")


def test_an_event_that_comes_again_launches_nothing(
    jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    launch_jobs([JOB], jobs, launcher, RULES)

    again = launch_jobs([JOB], jobs, launcher, RULES)

    assert (again.started, again.repeated) == ([], [JOB.job_id])
    assert launcher.launched == [JOB]


@pytest.mark.parametrize("state", [State.RUNNING, State.SUCCEEDED, State.REJECTED, State.FAILED])
def test_a_job_that_has_begun_is_never_launched_again(
    jobs: JobStore, launcher: FakeJobLauncher, state: State
) -> None:
    launch_jobs([JOB], jobs, launcher, RULES)
    status = jobs.load(JOB.job_id)
    status.state, status.reason = state, "whatever"
    jobs.save(status)

    launch_jobs([JOB], jobs, launcher, RULES)

    assert len(launcher.launched) == 1


def test_a_launch_that_is_taken_is_noted_in_the_status(
    jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    launch_jobs([JOB], jobs, launcher, RULES)

    status = jobs.load(JOB.job_id)
    assert status.taken_at
    assert status.taken_at >= status.created_at


def test_the_note_of_a_launch_spoils_nothing_that_the_job_has_written(jobs: JobStore) -> None:
    class BeginsAtOnce(FakeJobLauncher):
        def launch(self, job: Job) -> None:
            status = jobs.load(job.job_id)
            status.state = State.RUNNING
            jobs.save_own(status)

    assert launch_jobs([JOB], jobs, BeginsAtOnce(), RULES).started == [JOB.job_id]

    assert jobs.load(JOB.job_id).state == State.RUNNING


def test_a_launch_that_cannot_be_noted_is_a_launch(
    jobs: JobStore, launcher: FakeJobLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ObjectUnavailableError

    monkeypatch.setattr(jobs, "save_own", fail)

    assert launch_jobs([JOB], jobs, launcher, RULES).started == [JOB.job_id]


def test_a_refused_launch_is_returned_and_its_reason_kept(
    jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    launcher.fails_with = LaunchError("the queue is gone")

    launched = launch_jobs([JOB], jobs, launcher, RULES)

    assert (launched.started, launched.refused) == ([], [launcher.fails_with])
    status = jobs.load(JOB.job_id)
    assert (status.state, status.reason) == (State.QUEUED, "the queue is gone")
    assert status.next_step
    assert status.taken_at is None


def test_the_retry_of_a_refused_launch_launches(jobs: JobStore, launcher: FakeJobLauncher) -> None:
    launcher.fails_with = LaunchError("the queue is gone")
    launch_jobs([JOB], jobs, launcher, RULES)
    launcher.fails_with = None

    launched = launch_jobs([JOB], jobs, launcher, RULES)

    assert launched.started == [JOB.job_id]
    status = jobs.load(JOB.job_id)
    assert (status.reason, status.next_step, status.launches) == (None, None, 1)


def test_a_launch_that_was_lost_with_its_invocation_is_made_up_for(
    jobs: JobStore, launcher: FakeJobLauncher, s3: "S3Client"
) -> None:
    launch_jobs([JOB], jobs, launcher, RULES)
    status = jobs.load(JOB.job_id)
    status.taken_at = None
    status.updated_at = datetime.now(UTC) - timedelta(seconds=46)
    key = f"jobs/{JOB.job_id}.json"
    s3.put_object(Bucket="housing-test", Key=key, Body=status.model_dump_json().encode())

    launch_jobs([JOB], jobs, launcher, RULES)

    assert launcher.launched == [JOB, JOB]


def test_an_event_that_comes_again_late_starts_no_job_that_waits_in_a_queue(
    jobs: JobStore, launcher: FakeJobLauncher, s3: "S3Client"
) -> None:
    launch_jobs([JOB], jobs, launcher, RULES)
    status = jobs.load(JOB.job_id)
    status.updated_at = datetime.now(UTC) - timedelta(minutes=50)
    key = f"jobs/{JOB.job_id}.json"
    s3.put_object(Bucket="housing-test", Key=key, Body=status.model_dump_json().encode())

    assert launch_jobs([JOB], jobs, launcher, RULES).started == []


def test_one_refused_launch_does_not_keep_the_others_from_starting(
    jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    class RefusesFirst(FakeJobLauncher):
        def launch(self, job: Job) -> None:
            if job == JOB:
                raise LaunchError(job.key)
            super().launch(job)

    refuses_first = RefusesFirst()

    launched = launch_jobs([JOB, OTHER], jobs, refuses_first, RULES)

    assert [str(refused) for refused in launched.refused] == ["new_data/a.csv"]
    assert launched.started == [OTHER.job_id]
    assert refuses_first.launched == [OTHER]
    assert not launcher.launched
