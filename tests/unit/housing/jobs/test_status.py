"""The jobs' documents in a bucket."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fakes.faulty_s3 import PASSING, Fault, FaultyS3
from fakes.jobs import job_status
from housing.errors import JobNotFoundError, JobTakenOverError
from housing.jobs.results import RowCounts, Verdict
from housing.jobs.status import JobStore, State

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"


@pytest.fixture
def jobs(s3: "S3Client") -> JobStore:
    return JobStore(s3, BUCKET)


def test_a_job_is_created_once(jobs: JobStore) -> None:
    assert jobs.create(job_status(message="first"))
    assert not jobs.create(job_status(message="second"))
    assert jobs.load("job-1").message == "first"


def test_a_status_comes_back_as_it_was_saved(jobs: JobStore) -> None:
    verdict = Verdict(promote=True, reason="better", challenger_rmse=0.4, holdout_rows=9)
    status = job_status(state=State.SUCCEEDED, metrics={"rmse": 0.4}, verdict=verdict)

    jobs.save(status)

    assert jobs.load("job-1") == status


def test_a_verdict_of_before_there_was_a_shadow_is_read() -> None:
    old = {"promote": True, "reason": "better", "challenger_rmse": 0.4, "holdout_rows": 9}

    assert Verdict.model_validate(old).shadow is None


def test_saving_says_when(jobs: JobStore) -> None:
    status = job_status()

    jobs.save(status)

    assert jobs.load("job-1").updated_at > status.created_at


def test_a_job_that_is_not_there_is_said_with_its_id(jobs: JobStore) -> None:
    with pytest.raises(JobNotFoundError, match="no job job-7 in s3://housing-test/jobs/"):
        jobs.load("job-7")


def test_counts_of_an_earlier_release_can_be_read() -> None:
    counts = RowCounts.model_validate({"read": 9, "accepted": 8, "rejected": 1, "new": 7})

    assert (counts.duplicates, counts.known) == (0, 0)


def test_a_status_of_a_later_release_can_be_read(jobs: JobStore, s3: "S3Client") -> None:
    body = job_status().model_dump_json().replace("{", '{"invented_later": 1, ', 1)
    s3.put_object(Bucket=BUCKET, Key="jobs/job-1.json", Body=body.encode())

    assert jobs.load("job-1").job_id == "job-1"


def test_the_newest_jobs_come_first_and_only_jobs(jobs: JobStore, s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key="jobs/lease", Body=b"{}")
    moment = job_status().created_at
    for day in (1, 3, 2):
        jobs.save(job_status(f"job-{day}", created_at=moment.replace(day=day)))

    assert [job.job_id for job in jobs.newest()] == ["job-3", "job-2", "job-1"]


def test_no_more_jobs_are_read_than_were_asked_for(jobs: JobStore) -> None:
    for number in range(5):
        jobs.save(job_status(f"job-{number}"))

    assert len(jobs.newest(limit=2)) == 2


def test_one_writes_only_over_what_one_read_or_wrote_oneself(jobs: JobStore) -> None:
    mine = job_status()
    jobs.save_own(mine)
    jobs.save_own(mine)
    other = jobs.load("job-1")
    jobs.save_own(other)

    with pytest.raises(JobTakenOverError):
        jobs.save_own(mine)
    with pytest.raises(JobTakenOverError):
        jobs.save_own(job_status())  # it says that there was none

    assert jobs.load("job-1").updated_at == other.updated_at


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_status_that_met_itself_is_ones_own(faulty: FaultyS3, fault: Fault) -> None:
    network: Any = faulty
    jobs = JobStore(network, BUCKET)
    mine = job_status()

    faulty.fail("put_object", fault)
    assert jobs.create(mine)
    faulty.fail("put_object", fault)
    jobs.save_own(mine)
    jobs.save_own(mine)

    assert faulty.has_failed()
    assert jobs.load("job-1").stored_as == mine.stored_as


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_status_of_another_stays_another_s(
    jobs: JobStore, faulty: FaultyS3, fault: Fault
) -> None:
    network: Any = faulty
    jobs.save(job_status(message="another's"))
    late = JobStore(network, BUCKET)
    faulty.fail("put_object", fault)
    assert not late.create(job_status())
    mine = jobs.load("job-1")
    jobs.save(job_status(message="another's"))

    faulty.fail("put_object", fault)
    with pytest.raises(JobTakenOverError):
        late.save_own(mine)

    assert jobs.load("job-1").message == "another's"


def test_the_silent_are_those_that_have_not_ended_and_were_touched_in_time(jobs: JobStore) -> None:
    jobs.save(job_status("at-work", state=State.RUNNING))
    jobs.save(job_status("done", state=State.SUCCEEDED))
    now = datetime.now(UTC)
    minute = timedelta(minutes=1)

    silent = jobs.silent(since=now - minute, until=now + minute)

    assert [job.job_id for job in silent] == ["at-work"]
    assert jobs.silent(since=now - 2 * minute, until=now - minute) == []


def test_a_bucket_without_jobs_has_none(jobs: JobStore) -> None:
    assert jobs.newest() == []


@pytest.mark.parametrize("state", list(State))
def test_a_job_is_on_its_way_or_at_its_end(state: State) -> None:
    ends = {State.SUCCEEDED, State.REJECTED, State.FAILED, State.HELD}

    assert state.is_final is (state in ends)
    assert state.is_success is (state in {State.SUCCEEDED, State.HELD})
