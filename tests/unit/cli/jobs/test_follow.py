"""Following a job to its end, through its restarts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from fakes.jobs import MOMENT, FakeJobs, FakeTime, job_status
from housing.jobs.restarts import SWEEP_EVERY, RestartRules
from housing.jobs.status import JobStatus, Stage, State
from housing_cli.errors import JobNotStartedError, JobStalledError, JobTimeoutError, JobWaitError
from housing_cli.jobs.follow import Followed, follow_job

RULES = RestartRules()


def at(seconds: float, **changes: Any) -> tuple[float, JobStatus]:
    """Return what is written of the job so many seconds after the upload."""
    written = MOMENT + timedelta(seconds=seconds)
    return seconds, job_status(**{"updated_at": written, **changes})


INGEST = at(2, state=State.RUNNING, stage=Stage.INGEST)
FIT = at(5, state=State.RUNNING, stage=Stage.FIT)
DONE = at(9, state=State.SUCCEEDED, stage=Stage.PROMOTE, model_version="3")


def follow(
    timetable: list[tuple[float, JobStatus]], passing: FakeTime, timeout: float | None = None
) -> Iterator[Followed]:
    jobs = FakeJobs(passing, timetable)
    return follow_job(jobs, "job-1", timeout_seconds=timeout, clock=passing)


def notes_and_error(
    timetable: list[tuple[float, JobStatus]], passing: FakeTime
) -> tuple[list[str], JobWaitError, float]:
    """Follow a job until nothing is left to wait for; return what was said, and the minutes."""
    notes = []
    with pytest.raises(JobWaitError) as caught:  # noqa: PT012 - what is yielded before counts, too
        for update in follow(timetable, passing):
            notes += [update.note] if update.note else []
    return notes, caught.value, (passing.now - 1_000) / 60


def moment(minutes: float) -> str:
    return f"{(MOMENT + timedelta(minutes=minutes)).astimezone():%H:%M}"


def test_each_change_is_yielded_once_until_the_end(passing: FakeTime) -> None:
    updates = list(follow([INGEST, FIT, DONE], passing, 60))

    assert updates == [Followed(status) for _, status in (INGEST, FIT, DONE)]
    assert passing.now == pytest.approx(1_009, abs=0.5)


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.REJECTED, State.FAILED])
def test_every_final_state_ends_the_wait(state: State, passing: FakeTime) -> None:
    assert len(list(follow([at(0, state=state)], passing, 60))) == 1


def test_an_upload_whose_event_is_lost_is_waited_for_until_two_sweeps_have_passed(
    passing: FakeTime,
) -> None:
    notes, error, minutes = notes_and_error([], passing)

    late = "no job yet: the upload's event is late or lost"
    assert notes == [f"{late}; the sweep starts the job by about {moment(8)}"]
    assert isinstance(error, JobNotStartedError)
    assert f"no job job-1 appeared by {moment(13)}, not even by a sweep" in str(error)
    assert "check that the schedule calls the retrain function" in str(error)
    assert minutes == pytest.approx(13, abs=0.1)
    assert timedelta(minutes=minutes) > RULES.upload_grace + 2 * SWEEP_EVERY


def test_an_upload_that_a_sweep_starts_late_is_followed_to_its_end(passing: FakeTime) -> None:
    late = [at(430, taken_at=MOMENT), at(440, state=State.RUNNING), at(500, state=State.SUCCEEDED)]

    *_, last = follow(late, passing)

    assert last.job
    assert last.job.state == State.SUCCEEDED


def test_a_job_that_dies_is_waited_for_until_the_sweep_should_have_started_it_again(
    passing: FakeTime,
) -> None:
    notes, error, minutes = notes_and_error([at(0, state=State.RUNNING, stage=Stage.FIT)], passing)

    assert notes == [f"no update since {moment(0)}; the sweep restarts it by about {moment(8)}"]
    assert isinstance(error, JobStalledError)
    assert f"has no update since {moment(0)} (stage fit)" in str(error)
    assert minutes == pytest.approx(13, abs=0.1)


def test_a_job_that_dies_twice_and_is_started_again_is_followed_to_its_end(
    passing: FakeTime,
) -> None:
    timetable = []
    for launches, began in ((1, 0), (2, 420), (3, 840)):  # each dies at once
        timetable.append(at(began, launches=launches, taken_at=MOMENT))
        timetable.append(at(began + 5, launches=launches, state=State.RUNNING))
    timetable.append(at(900, launches=3, state=State.SUCCEEDED))

    updates = list(follow(timetable, passing))

    assert [update.job for update in updates if not update.note] == [job for _, job in timetable]
    assert len([update for update in updates if update.note]) == 2


def test_a_job_that_lives_for_hours_is_followed(passing: FakeTime) -> None:
    beats = [at(seconds, state=State.RUNNING) for seconds in range(0, 10_800, 20)]

    updates = list(follow([*beats, at(10_800, state=State.SUCCEEDED)], passing))

    assert not [update for update in updates if update.note]


def test_a_job_that_waits_in_a_queue_is_waited_for_longer(passing: FakeTime) -> None:
    notes, error, minutes = notes_and_error([at(0, taken_at=MOMENT)], passing)

    assert notes == [f"waits for capacity since {moment(0)}"]
    assert isinstance(error, JobStalledError)
    assert "look again with `housing status job-1`" in str(error)
    assert minutes == pytest.approx(71, abs=0.1)
    assert timedelta(minutes=minutes) > RULES.lost_after + 2 * SWEEP_EVERY


def test_a_job_that_no_launcher_took_is_waited_for_until_two_sweeps_have_passed(
    passing: FakeTime,
) -> None:
    notes, error, minutes = notes_and_error([at(0)], passing)

    assert notes == [
        f"has not started since {moment(0)}; the sweep starts it by about {moment(6.75)}"
    ]
    assert isinstance(error, JobStalledError)
    assert minutes == pytest.approx(11.75, abs=0.1)


def test_a_job_that_is_refused_is_waited_for_through_some_sweeps(passing: FakeTime) -> None:
    refused = [at(300 * number, reason="the queue is gone") for number in range(9)]

    notes, error, minutes = notes_and_error(refused, passing)

    assert notes == [
        f"the queue is gone; the sweep starts it by about {moment(by)}" for by in (6, 11, 16)
    ]
    assert isinstance(error, JobNotStartedError)
    assert "the queue is gone. It is retried every five minutes" in str(error)
    assert minutes == pytest.approx(15, abs=0.1)


def test_one_that_is_refused_once_is_followed_to_its_end(passing: FakeTime) -> None:
    timetable = [at(0, reason="the queue is gone"), at(300, taken_at=MOMENT)]

    *_, last = follow([*timetable, at(400, state=State.SUCCEEDED)], passing)

    assert last.job
    assert last.job.state == State.SUCCEEDED


@pytest.mark.parametrize(
    "timetable", [[], [at(0, state=State.RUNNING)], [at(0)], [at(0, reason="no")]]
)
def test_a_job_that_the_sweep_will_start_gets_no_advice_to_upload_again(
    timetable: list[tuple[float, JobStatus]], passing: FakeTime
) -> None:
    notes, error, _ = notes_and_error(timetable, passing)

    assert "upload" not in str(error)
    assert not [note for note in notes if "upload again" in note]


def test_the_wait_as_a_whole_can_be_bounded(passing: FakeTime) -> None:
    with pytest.raises(JobTimeoutError, match="is at stage ingest after 30 s"):
        list(follow([INGEST], passing, 30))
    assert passing.now == pytest.approx(1_030, abs=1)


def test_so_can_one_for_a_job_that_does_not_appear(passing: FakeTime) -> None:
    with pytest.raises(JobTimeoutError, match="has not appeared after 30 s"):
        list(follow([], passing, 30))
