"""Heartbeats of a job, and its reaction to a takeover by another process."""

import time
from collections.abc import Callable

import pytest

from fakes.jobs import job_status
from housing.errors import JobTakenOverError
from housing.jobs.status import JobStore, State
from retrain.training.errors import JobOverTimeError, JobStoppedError
from retrain.training.job.progress import JobProgress


@pytest.fixture
def progress(jobs: JobStore) -> JobProgress:
    jobs.create(job_status())
    return JobProgress(jobs, jobs.load("job-1"))


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_a_job_that_works_quietly_gives_signs_of_life(
    progress: JobProgress, jobs: JobStore
) -> None:
    progress.note("fitting")
    before = jobs.load("job-1").updated_at

    with progress.beating(0.02):
        until(lambda: jobs.load("job-1").updated_at > before)

    after = jobs.load("job-1").updated_at
    time.sleep(0.1)
    assert jobs.load("job-1").updated_at == after


def test_a_job_that_was_taken_over_learns_it_by_its_heartbeat(
    progress: JobProgress, jobs: JobStore
) -> None:
    progress.note("fitting")
    with progress.beating(0.02):
        other = jobs.load("job-1")
        other.state = State.QUEUED
        jobs.save(other)
        until(lambda: _is_taken(progress))

    with pytest.raises(JobTakenOverError):
        progress.note("exporting")
    assert jobs.load("job-1").state == State.QUEUED


def _is_taken(progress: JobProgress) -> bool:
    try:
        progress.check()
    except JobTakenOverError:
        return True
    return False


def test_a_job_that_is_stopped_before_its_end_says_so(
    progress: JobProgress, jobs: JobStore
) -> None:
    progress.stop(JobStoppedError())

    status = jobs.load("job-1")
    assert (status.state, status.launches) == (State.QUEUED, 1)
    assert status.reason == "the job was stopped in the stage launch"
    assert status.next_step == "nothing: the sweep starts it again within minutes"
    assert status.was_begun


def test_a_job_that_was_taken_over_is_left_alone_when_it_is_stopped(
    progress: JobProgress, jobs: JobStore
) -> None:
    progress.note("fitting")
    twin = jobs.load("job-1")
    twin.message = "another's"
    jobs.save_own(twin)

    progress.stop(JobStoppedError())

    assert jobs.load("job-1").message == "another's"


def test_a_job_that_is_stopped_for_its_time_has_failed(
    progress: JobProgress, jobs: JobStore
) -> None:
    progress.stop(JobOverTimeError(3_600))

    status = jobs.load("job-1")
    assert status.state == State.FAILED
    assert status.reason == "the job took longer than 3,600 s, its limit, and was stopped"
    assert "TrainingTimeoutSeconds" in str(status.next_step)


def test_a_job_begins_although_its_launcher_wrote_after_it_was_read(
    progress: JobProgress, jobs: JobStore
) -> None:
    launcher = jobs.load("job-1")
    launcher.message = "waiting for capacity"
    jobs.save_own(launcher)

    progress.note("fitting")

    assert jobs.load("job-1").message == "fitting"


def test_a_job_that_was_started_again_before_it_wrote_leaves_its_twin_alone(
    progress: JobProgress, jobs: JobStore
) -> None:
    sweep = jobs.load("job-1")
    sweep.launches = 2
    jobs.save_own(sweep)

    with pytest.raises(JobTakenOverError):
        progress.note("fitting")


def test_a_job_that_is_stopped_after_its_end_keeps_it(
    progress: JobProgress, jobs: JobStore
) -> None:
    progress.finish(State.SUCCEEDED, "done")

    progress.stop(JobStoppedError())

    assert jobs.load("job-1").state == State.SUCCEEDED
    assert jobs.load("job-1").reason is None
