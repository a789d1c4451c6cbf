"""Every upload gets one job, however often its event arrives."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from fakes.launcher import FakeJobLauncher
from housing.jobs.status import JobStore, Stage, State
from retrain.errors import LaunchError
from retrain.launcher import Job
from retrain.launching import launch_jobs

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

JOB = Job(bucket="housing-test", key="new_data/a.csv", version_id="v1")
OTHER = Job(bucket="housing-test", key="new_data/b.csv", version_id="v2")


def test_a_new_upload_is_queued_and_launched(jobs: JobStore, launcher: FakeJobLauncher) -> None:
    launched = launch_jobs([JOB], jobs, launcher)

    status = jobs.load(JOB.job_id)
    assert launched.started == [JOB.job_id]
    assert launcher.launched == [JOB]
    assert (status.state, status.stage) == (State.QUEUED, Stage.LAUNCH)
    assert (status.upload_key, status.upload_version) == ("new_data/a.csv", "v1")


def test_an_event_that_comes_again_launches_nothing(
    jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    launch_jobs([JOB], jobs, launcher)

    again = launch_jobs([JOB], jobs, launcher)

    assert (again.started, again.repeated) == ([], [JOB.job_id])
    assert launcher.launched == [JOB]


@pytest.mark.parametrize("state", [State.RUNNING, State.SUCCEEDED, State.REJECTED, State.FAILED])
def test_a_job_that_has_begun_is_never_launched_again(
    jobs: JobStore, launcher: FakeJobLauncher, state: State
) -> None:
    launch_jobs([JOB], jobs, launcher)
    status = jobs.load(JOB.job_id)
    status.state, status.reason = state, "whatever"
    jobs.save(status)

    launch_jobs([JOB], jobs, launcher)

    assert len(launcher.launched) == 1


def test_a_failed_launch_is_raised_and_its_reason_kept(
    jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    launcher.fails_with = LaunchError("the queue is gone")

    with pytest.raises(LaunchError, match="the queue is gone"):
        launch_jobs([JOB], jobs, launcher)

    status = jobs.load(JOB.job_id)
    assert (status.state, status.reason) == (State.QUEUED, "the queue is gone")
    assert status.next_step


def test_the_retry_of_a_failed_launch_launches(jobs: JobStore, launcher: FakeJobLauncher) -> None:
    launcher.fails_with = LaunchError("the queue is gone")
    with pytest.raises(LaunchError):
        launch_jobs([JOB], jobs, launcher)
    launcher.fails_with = None

    launched = launch_jobs([JOB], jobs, launcher)

    assert launched.started == [JOB.job_id]


def test_a_launch_that_was_lost_with_its_invocation_is_made_up_for(
    jobs: JobStore, launcher: FakeJobLauncher, s3: "S3Client"
) -> None:
    launch_jobs([JOB], jobs, launcher)
    status = jobs.load(JOB.job_id)
    status.updated_at = datetime.now(UTC) - timedelta(seconds=46)
    key = f"jobs/{JOB.job_id}.json"
    s3.put_object(Bucket="housing-test", Key=key, Body=status.model_dump_json().encode())

    launch_jobs([JOB], jobs, launcher)

    assert launcher.launched == [JOB, JOB]


def test_one_failed_launch_does_not_keep_the_others_from_starting(
    jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    class RefusesFirst(FakeJobLauncher):
        def launch(self, job: Job) -> None:
            if job == JOB:
                raise LaunchError(job.key)
            super().launch(job)

    refuses_first = RefusesFirst()

    with pytest.raises(LaunchError, match=r"a\.csv"):
        launch_jobs([JOB, OTHER], jobs, refuses_first)

    assert refuses_first.launched == [OTHER]
    assert not launcher.launched
