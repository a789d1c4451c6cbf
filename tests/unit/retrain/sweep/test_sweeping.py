"""The sweep restarts dead jobs, and gives up those that die repeatedly."""

from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

import pytest

from fakes.launcher import FakeJobLauncher
from fakes.sweeps import RULES, Sweeps, pages_of
from housing.errors import JobTakenOverError, ObjectError
from housing.jobs.status import JobStatus, JobStore, State
from retrain.errors import LaunchError
from retrain.launcher import Job
from retrain.launching import launch_jobs
from retrain.sweep import dead_jobs

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
JOB = Job(bucket=BUCKET, key="new_data/a.csv", version_id="v1")
OTHER = Job(bucket=BUCKET, key="new_data/b.csv", version_id="v2")
DEAD = {"minutes": 3}
REFUSAL = LaunchError("the queue is gone")


@pytest.fixture
def sweeps(s3: "S3Client", launcher: FakeJobLauncher) -> Sweeps:
    return Sweeps(s3, BUCKET, launcher)


def test_a_job_without_a_heartbeat_is_restarted(
    sweeps: Sweeps, jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    sweeps.begun(JOB)

    swept = sweeps.sweep(**DEAD)

    assert swept.started == [JOB.job_id]
    assert launcher.launched == [JOB]
    status = jobs.load(JOB.job_id)
    assert (status.state, status.launches) == (State.QUEUED, 2)


def test_the_old_process_can_write_no_more(sweeps: Sweeps, jobs: JobStore) -> None:
    old = sweeps.begun(JOB)

    sweeps.sweep(**DEAD)

    with pytest.raises(JobTakenOverError):
        jobs.save_own(old)


def test_an_upload_without_versions_is_started_again_by_its_etag(
    sweeps: Sweeps, launcher: FakeJobLauncher
) -> None:
    job = Job(bucket=BUCKET, key="new_data/a.csv", version_id=None, etag="e1")
    sweeps.begun(job)

    sweeps.sweep(**DEAD)

    assert launcher.launched == [job]


def test_a_job_that_lives_is_left_alone(sweeps: Sweeps, launcher: FakeJobLauncher) -> None:
    sweeps.begun(JOB)

    assert sweeps.sweep(minutes=1).started == []
    assert launcher.launched == []


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.REJECTED, State.FAILED])
def test_a_job_that_has_ended_is_left_alone(sweeps: Sweeps, state: State) -> None:
    sweeps.begun(JOB, state=state)

    assert [sweeps.sweep(**DEAD).started for _ in range(2)] == [[], []]


def test_a_job_that_has_ended_is_not_read_again_by_the_same_process(
    sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps.begun(JOB, state=State.SUCCEEDED)
    sweeps.sweep(**DEAD)
    monkeypatch.setattr(JobStore, "load", lambda *_: pytest.fail("read again"))

    assert sweeps.sweep(**DEAD).started == []


def test_a_job_that_runs_again_after_its_end_is_read_again(sweeps: Sweeps, jobs: JobStore) -> None:
    status = sweeps.begun(JOB, state=State.FAILED)
    sweeps.sweep(**DEAD)
    before = next(iter(next(jobs.pages())))[0]
    status.state = State.RUNNING
    while next(iter(next(jobs.pages())))[0] == before:  # S3 keeps whole seconds
        jobs.save(status)

    assert sweeps.sweep(**DEAD).started == [JOB.job_id]


def test_a_job_that_waits_in_a_queue_is_left_alone_for_an_hour(
    sweeps: Sweeps, jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    launch_jobs([JOB], jobs, launcher, RULES)

    assert sweeps.sweep(minutes=59).started == []
    assert sweeps.sweep(minutes=61).started == [JOB.job_id]


def test_a_job_that_its_launcher_has_in_its_queue_is_never_lost(
    sweeps: Sweeps, jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    launch_jobs([JOB], jobs, launcher, RULES)
    launcher.known = {JOB.job_id}

    assert sweeps.sweep(hours=5).started == []


def test_a_job_that_its_launcher_has_lost_is_started_again_at_once(
    sweeps: Sweeps, jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    launch_jobs([JOB], jobs, launcher, RULES)
    launcher.known = set()

    assert sweeps.sweep(minutes=1).started == []
    assert sweeps.sweep(**DEAD).started == [JOB.job_id]


def test_a_job_that_was_lost_with_its_invocation_is_started(
    sweeps: Sweeps, jobs: JobStore, launcher: FakeJobLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "launch", lambda _: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        launch_jobs([JOB], jobs, launcher, RULES)
    monkeypatch.undo()

    assert sweeps.sweep(seconds=30).started == []
    assert sweeps.sweep(minutes=1).started == [JOB.job_id]
    assert jobs.load(JOB.job_id).launches == 1


def test_a_job_whose_launch_was_refused_is_started_by_the_next_sweep(
    sweeps: Sweeps, jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    launcher.fails_with = REFUSAL
    launch_jobs([JOB], jobs, launcher, RULES)
    launcher.fails_with = None

    assert sweeps.sweep(seconds=1).started == [JOB.job_id]
    status = jobs.load(JOB.job_id)
    assert (status.reason, status.next_step, status.launches) == (None, None, 1)


def test_a_restart_that_is_refused_says_why_and_is_tried_at_every_sweep_uncounted(
    sweeps: Sweeps, jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    sweeps.begun(JOB)
    launcher.fails_with = REFUSAL

    refused = [sweeps.sweep(minutes=minutes) for minutes in (3, 8, 13, 18)]

    assert [(swept.started, list(map(str, swept.refused))) for swept in refused] == [
        ([], ["the queue is gone"])
    ] * 4
    status = jobs.load(JOB.job_id)
    assert (status.state, status.launches) == (State.QUEUED, 2)
    assert status.reason == "the queue is gone"
    assert status.next_step == "nothing: the start is retried every five minutes"
    launcher.fails_with = None
    assert sweeps.sweep(minutes=23).started == [JOB.job_id]
    assert jobs.load(JOB.job_id).launches == 2


def test_a_job_that_died_too_often_is_given_up(
    sweeps: Sweeps, jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    sweeps.begun(JOB, launches=RULES.most_launches)

    swept = sweeps.sweep(**DEAD)

    assert (swept.given_up, launcher.launched) == ([JOB.job_id], [])
    status = jobs.load(JOB.job_id)
    assert (status.state, status.reason) == (
        State.FAILED,
        "the job died 3 times, last in the stage fit",
    )
    assert status.next_step
    assert [
        (alerted_job.job_id, alerted_job.state, alerted_job.reason)
        for alerted_job in sweeps.alerted
    ] == [(JOB.job_id, State.FAILED, status.reason)]


def test_a_job_is_given_up_and_alerted_on_once_although_another_launch_is_refused(
    sweeps: Sweeps, jobs: JobStore, launcher: FakeJobLauncher
) -> None:
    for job in (JOB, OTHER):
        sweeps.begun(job)
    hopeless = jobs.load(max(JOB.job_id, OTHER.job_id))  # it comes after the one that is refused
    hopeless.launches = RULES.most_launches
    jobs.save(hopeless)
    launcher.fails_with = REFUSAL

    first, second = sweeps.sweep(**DEAD), sweeps.sweep(minutes=4)

    assert (first.given_up, second.given_up) == ([hopeless.job_id], [])
    assert (len(first.refused), len(second.refused)) == (1, 1)
    assert [alerted_job.job_id for alerted_job in sweeps.alerted] == [hopeless.job_id]


def test_a_job_has_not_ended_before_the_alert_on_it_was_taken(
    sweeps: Sweeps, jobs: JobStore
) -> None:
    sweeps.begun(JOB, launches=RULES.most_launches)
    sweeps.takes_alerts = False

    untold = sweeps.sweep(**DEAD)

    assert (untold.given_up, jobs.load(JOB.job_id).state) == ([], State.RUNNING)
    sweeps.takes_alerts = True
    assert sweeps.sweep(minutes=8).given_up == [JOB.job_id]
    assert len(sweeps.alerted) == 1
    assert jobs.load(JOB.job_id).state == State.FAILED


def test_an_event_that_comes_again_takes_over_a_dead_job(
    sweeps: Sweeps, jobs: JobStore, launcher: FakeJobLauncher, s3: "S3Client"
) -> None:
    status = sweeps.begun(JOB)
    status.updated_at -= 2 * RULES.dead_after
    s3.put_object(Bucket=BUCKET, Key=f"jobs/{JOB.job_id}.json", Body=status.model_dump_json())

    launched = launch_jobs([JOB], jobs, launcher, RULES)

    assert launched.started == [JOB.job_id]
    assert jobs.load(JOB.job_id).launches == 2


def test_a_job_that_writes_at_that_very_moment_lives(
    sweeps: Sweeps, jobs: JobStore, launcher: FakeJobLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps.begun(JOB)
    load = JobStore.load

    def then_it_writes(store: JobStore, job_id: str) -> JobStatus:
        status = load(store, job_id)
        monkeypatch.undo()
        jobs.save(load(store, job_id))
        return status

    monkeypatch.setattr(JobStore, "load", then_it_writes)

    swept = sweeps.sweep(**DEAD)

    assert (swept.started, swept.given_up, launcher.launched) == ([], [], [])
    assert jobs.load(JOB.job_id).state == State.RUNNING


def test_a_status_that_cannot_be_understood_keeps_no_other_job_from_being_started(
    sweeps: Sweeps, s3: "S3Client", caplog: pytest.LogCaptureFixture
) -> None:
    sweeps.begun(JOB)
    for name in ("0000", "ffff"):
        s3.put_object(Bucket=BUCKET, Key=f"jobs/{name}.json", Body=b'{"state": "odd"}')

    assert sweeps.sweep(**DEAD).started == [JOB.job_id]
    assert caplog.text.count("job_unreadable") == 2


def test_a_job_that_vanishes_between_list_and_reading_is_no_job(
    sweeps: Sweeps, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps.begun(JOB)
    pages = JobStore.pages

    def then_it_is_deleted(store: JobStore, **given: str) -> list[list[tuple[datetime, str]]]:
        page_list = list(pages(store, **given))
        s3.delete_object(Bucket=BUCKET, Key=f"jobs/{JOB.job_id}.json")
        return page_list

    monkeypatch.setattr(JobStore, "pages", then_it_is_deleted)

    assert sweeps.sweep(**DEAD).started == []


def test_trouble_of_the_bucket_is_raised(sweeps: Sweeps, s3: "S3Client") -> None:
    s3.delete_bucket(Bucket=BUCKET)

    with pytest.raises(ObjectError):
        sweeps.sweep()


@pytest.mark.parametrize("bound", ["LOADS", "PAGES"])
def test_where_there_are_many_jobs_sweeps_go_on_from_one_to_the_next(
    sweeps: Sweeps, s3: "S3Client", bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [Job(bucket=BUCKET, key=f"new_data/{number}.csv", version_id="v") for number in range(7)]
    for job in many:
        sweeps.begun(job)
    monkeypatch.setattr(dead_jobs, bound, 2)

    started = []
    with pages_of(s3, "ListObjectsV2", 1 if bound == "PAGES" else 1_000):
        for number in range(4):
            sweeps.restart()  # each in a process of its own
            started.append(sweeps.sweep(minutes=3 + number).started)

    assert [len(job_ids) for job_ids in started] == [2, 2, 2, 1]
    assert sorted(chain.from_iterable(started)) == sorted(job.job_id for job in many)


def test_no_job_is_started_with_too_little_time_left_and_the_next_sweep_starts_it(
    sweeps: Sweeps,
) -> None:
    for job in (JOB, OTHER):
        sweeps.begun(job)
    sweeps.seconds_left = 15.0

    assert sweeps.sweep(**DEAD).started == []
    sweeps.seconds_left = 30.0
    assert len(sweeps.sweep(**DEAD).started) == 2
