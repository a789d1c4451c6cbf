"""Following a job to its end."""

import pytest

from fakes.jobs import FakeJobs, FakeTime, job_status
from housing.jobs.status import Stage, State
from housing_cli.errors import JobNotStartedError, JobStalledError, JobTimeoutError
from housing_cli.waiting import follow_job

INGEST = job_status(state=State.RUNNING, stage=Stage.INGEST)
FIT = job_status(state=State.RUNNING, stage=Stage.FIT)
DONE = job_status(state=State.SUCCEEDED, stage=Stage.PROMOTE, model_version="3")


def test_each_change_is_told_once_until_the_end(passing: FakeTime) -> None:
    jobs = FakeJobs(passing, [(2, INGEST), (5, FIT), (9, DONE)])

    updates = list(follow_job(jobs, "job-1", timeout_seconds=60, clock=passing))

    assert updates == [INGEST, FIT, DONE]
    assert passing.now == pytest.approx(1_009, abs=0.5)


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.REJECTED, State.FAILED])
def test_every_final_state_ends_the_wait(state: State, passing: FakeTime) -> None:
    jobs = FakeJobs(passing, [(0, job_status(state=state))])

    assert len(list(follow_job(jobs, "job-1", timeout_seconds=60, clock=passing))) == 1


def test_a_job_that_never_appears_is_given_up_after_a_minute(passing: FakeTime) -> None:
    jobs = FakeJobs(passing, [])

    with pytest.raises(JobNotStartedError, match="check that the bucket notifies"):
        list(follow_job(jobs, "job-1", timeout_seconds=600, clock=passing))
    assert passing.now == pytest.approx(1_060, abs=1)


def test_a_job_that_stops_moving_is_given_up_after_five_minutes(passing: FakeTime) -> None:
    jobs = FakeJobs(passing, [(0, INGEST), (200, FIT)])
    updates = follow_job(jobs, "job-1", timeout_seconds=3_600, clock=passing)

    with pytest.raises(JobStalledError, match=r"not moved for 5 minutes \(stage fit\)"):
        list(updates)
    assert passing.now == pytest.approx(1_500, abs=1)


def test_the_wait_as_a_whole_is_bounded(passing: FakeTime) -> None:
    jobs = FakeJobs(passing, [(0, INGEST)])

    with pytest.raises(JobTimeoutError, match="is at stage ingest after 30 s"):
        list(follow_job(jobs, "job-1", timeout_seconds=30, clock=passing))
    assert passing.now == pytest.approx(1_030, abs=1)
