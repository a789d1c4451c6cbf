"""The sweep starts the job of an upload whose event was lost."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pytest
from botocore.exceptions import ClientError

from fakes.launcher import FakeJobLauncher
from fakes.sweeps import RULES, Sweeps, pages_of
from fakes.tables import as_csv, housing_table
from housing.jobs.status import JobStore, State
from housing.s3.layout import job_id
from housing.s3.stored_uploads import Place
from retrain.errors import LaunchError
from retrain.events import jobs_in
from retrain.launcher import Job
from retrain.launching import launch_jobs
from retrain.sweep import dead_jobs, sweeper
from retrain.sweep.position import POSITION, Position
from retrain.training.job.intake import add_queued_uploads
from retrain.training.job.job import run
from retrain.training.upload.ingest import Upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from retrain.training.job.context import JobContext

BUCKET = "housing-test"
DUE = {"minutes": 3}


@pytest.fixture
def sweeps(s3: "S3Client", launcher: FakeJobLauncher) -> Sweeps:
    return Sweeps(s3, BUCKET, launcher)


@pytest.fixture
def put(s3: "S3Client") -> Callable[..., str]:
    """Put an object; return the id of the job of an upload that it is."""

    def put_object(key: str = "new_data/a.csv", content: bytes = b"x") -> str:
        answer = s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        version = answer.get("VersionId") or answer["ETag"].strip('"')
        return job_id(bucket=BUCKET, key=key, version=version)

    return put_object


def test_an_upload_without_a_job_is_started_by_the_sweep_after_its_grace(
    sweeps: Sweeps, jobs: JobStore, launcher: FakeJobLauncher, put: Callable[..., str]
) -> None:
    lost = put()

    early, due, later = (sweeps.sweep(minutes=minutes) for minutes in (1, 3, 8))

    assert (early.recovered, due.recovered, later.recovered) == ([], [lost], [])
    assert [job.job_id for job in launcher.launched] == [lost]
    status = jobs.load(lost)
    assert (status.state, status.upload_key) == (State.QUEUED, "new_data/a.csv")
    assert status.is_versioned


def test_an_upload_whose_event_came_is_left_alone(
    sweeps: Sweeps, jobs: JobStore, launcher: FakeJobLauncher, s3: "S3Client"
) -> None:
    version = s3.put_object(Bucket=BUCKET, Key="new_data/a.csv", Body=b"x")["VersionId"]
    launch_jobs([Job(BUCKET, "new_data/a.csv", version)], jobs, launcher, RULES)

    assert sweeps.sweep(**DUE).recovered == []
    assert len(launcher.launched) == 1


def test_every_version_is_started_not_the_newest_alone(
    sweeps: Sweeps, put: Callable[..., str]
) -> None:
    versions = {put(content=content) for content in (b"1", b"2", b"3")}

    assert set(sweeps.sweep(**DUE).recovered) == versions
    assert len(versions) == 3


def test_a_delete_marker_is_no_upload_and_hides_none(
    sweeps: Sweeps, put: Callable[..., str], s3: "S3Client"
) -> None:
    lost = put()
    s3.delete_object(Bucket=BUCKET, Key="new_data/a.csv")

    assert sweeps.sweep(**DUE).recovered == [lost]


@pytest.mark.parametrize("key", ["new_data/notes.txt", "other/a.csv", "dataset/new_data/a.csv"])
def test_objects_that_no_event_would_start_are_ignored(
    sweeps: Sweeps, put: Callable[..., str], key: str
) -> None:
    put(key)

    assert sweeps.sweep(**DUE).recovered == []


def test_without_versions_an_upload_is_named_by_its_etag(
    sweeps: Sweeps, jobs: JobStore, s3: "S3Client"
) -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    answer = s3.put_object(Bucket=BUCKET, Key="new_data/a.csv", Body=b"x")
    lost = job_id(bucket=BUCKET, key="new_data/a.csv", version=answer["ETag"].strip('"'))

    assert sweeps.sweep(**DUE).recovered == [lost]
    assert not jobs.load(lost).is_versioned


@pytest.mark.parametrize(
    "key",
    ["new_data/a b+c.csv", "new_data/100%.csv.gz", "new_data/ключ & é.csv", "new_data/x/y.csv"],
)
def test_its_job_is_the_one_that_its_event_starts(
    sweeps: Sweeps, s3: "S3Client", launcher: FakeJobLauncher, key: str
) -> None:
    answer = s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    s3_object = {
        "key": quote_plus(key, safe="/"),
        "eTag": answer["ETag"].strip('"'),
        "versionId": answer["VersionId"],
    }
    record = {"eventName": "ObjectCreated:Put"} | {
        "s3": {"bucket": {"name": BUCKET}, "object": s3_object}
    }

    sweeps.sweep(**DUE)

    assert launcher.launched == jobs_in({"Records": [record]})


def test_an_upload_that_is_older_than_the_window_is_left_alone(
    sweeps: Sweeps, put: Callable[..., str]
) -> None:
    put()

    assert sweeps.sweep(days=7, minutes=1).recovered == []
    assert len(sweeps.sweep(days=6).recovered) == 1


def test_one_that_the_launcher_refuses_has_a_status_and_is_started_by_the_next_sweep(
    sweeps: Sweeps, jobs: JobStore, launcher: FakeJobLauncher, put: Callable[..., str]
) -> None:
    lost = put()
    launcher.fails_with = LaunchError("the queue is gone")

    refused = sweeps.sweep(**DUE)

    assert (refused.recovered, list(map(str, refused.refused))) == ([], ["the queue is gone"])
    assert jobs.load(lost).reason == "the queue is gone"
    launcher.fails_with = None
    assert sweeps.sweep(minutes=8).started == [lost]


def test_it_is_trained_on_like_any_other(
    sweeps: Sweeps,
    put_upload: Callable[..., Upload],
    context: "JobContext",
    trained: Upload,  # noqa: ARG001 - a data set to add to
) -> None:
    upload = put_upload(as_csv(housing_table(300, seed=5)), "lost.csv")
    assert upload.job_id in sweeps.sweep(**DUE).recovered

    assert run(upload, context) == State.SUCCEEDED

    rows = context.jobs.load(upload.job_id).rows
    assert rows
    assert rows.new == 300


def test_while_it_is_queued_another_training_takes_it_in(
    sweeps: Sweeps, put_upload: Callable[..., Upload], context: "JobContext"
) -> None:
    put_upload(as_csv(housing_table(300, seed=5)), "lost.csv")

    before = add_queued_uploads(context, known=())
    sweeps.sweep(**DUE)

    assert (before, add_queued_uploads(context, known=())) == (0, 1)


@pytest.fixture
def many(put: Callable[..., str]) -> set[str]:
    return {put(f"new_data/{number}.csv") for number in range(7)}


def until_none_is_left(sweeps: Sweeps) -> Iterator[int]:
    """Sweep, each time in a process of its own, and yield how many uploads were found."""
    while recovered := len(sweeps.sweep(**DUE).recovered):
        yield recovered
        sweeps.restart()


def test_where_there_are_many_versions_sweeps_go_on_from_one_to_the_next(
    sweeps: Sweeps, s3: "S3Client", many: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "PAGES", 2)

    with pages_of(s3, "ListObjectVersions", 1) as asked:
        counts = list(until_none_is_left(sweeps))

    assert counts == [2, 2, 2, 1]
    assert len(asked) <= 2 * len([*counts, "the last, which finds none"])
    assert {entry.job_id for entry in sweeps.launcher.launched} == many


def test_of_many_lost_uploads_each_sweep_starts_a_limited_number(
    sweeps: Sweeps, many: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "LAUNCHES", 3)

    assert list(until_none_is_left(sweeps)) == [3, 3, 1]
    assert {job.job_id for job in sweeps.launcher.launched} == many


def test_where_not_all_jobs_were_listed_each_upload_is_asked_for(
    sweeps: Sweeps, jobs: JobStore, many: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps.sweep(**DUE)
    for name in sorted(many)[2:4]:
        sweeps.s3.delete_object(Bucket=BUCKET, Key=f"jobs/{name}.json")
    monkeypatch.setattr(dead_jobs, "LOADS", 1)
    monkeypatch.setattr(sweeper, "CHECKS", 3)

    recovered = []
    for _ in range(8):
        sweeps.restart()
        recovered += sweeps.sweep(**DUE).recovered

    assert sorted(recovered) == sorted(many)[2:4]
    assert jobs.load(recovered[0]).launches == 1


def test_a_status_that_cannot_be_understood_is_a_job(
    sweeps: Sweeps, s3: "S3Client", put: Callable[..., str]
) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"jobs/{put()}.json", Body=b"{}")
    s3.put_object(Bucket=BUCKET, Key=POSITION, Body=Position(job="ffff").model_dump_json().encode())

    assert sweeps.sweep(**DUE).recovered == []


def test_nothing_is_started_with_too_little_time_left_and_the_next_sweep_starts_it(
    sweeps: Sweeps, many: set[str]
) -> None:
    sweeps.seconds_left = 15.0
    assert sweeps.sweep(**DUE).recovered == []

    sweeps.seconds_left = 30.0
    assert len(sweeps.sweep(**DUE).recovered) == len(many)


def test_nothing_is_written_where_one_sweep_sees_all(
    sweeps: Sweeps, s3: "S3Client", many: set[str]
) -> None:
    assert len(sweeps.sweep(**DUE).recovered) == len(many)

    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket=BUCKET, Key=POSITION)


@pytest.mark.parametrize("content", [b"", b"{", b'{"job": 3}', b"[]"])
def test_an_unreadable_position_restarts_from_the_beginning(
    sweeps: Sweeps, s3: "S3Client", many: set[str], content: bytes
) -> None:
    s3.put_object(Bucket=BUCKET, Key=POSITION, Body=content)

    assert len(sweeps.sweep(**DUE).recovered) == len(many)


def test_a_position_of_a_deleted_version_restarts_from_the_beginning(
    sweeps: Sweeps, s3: "S3Client", many: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Position(upload=Place("new_data/3.csv", "gone"))
    s3.put_object(Bucket=BUCKET, Key=POSITION, Body=place.model_dump_json().encode())
    listed = s3.list_object_versions

    def refuse_unknown_markers(**given: Any) -> Any:
        if "VersionIdMarker" in given:
            raise ClientError({"Error": {"Code": "InvalidArgument"}}, "ListObjectVersions")
        return listed(**given)

    monkeypatch.setattr(s3, "list_object_versions", refuse_unknown_markers)

    assert sweeps.sweep(**DUE).recovered == []
    assert len(sweeps.sweep(**DUE).recovered) == len(many)


def test_a_position_that_cannot_be_saved_fails_no_sweep(
    sweeps: Sweeps, many: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "LAUNCHES", 3)
    put_object = sweeps.s3.put_object

    def refuse_positions(**given: Any) -> Any:
        if given["Key"] == POSITION:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject")
        return put_object(**given)

    monkeypatch.setattr(sweeps.s3, "put_object", refuse_positions)

    assert list(until_none_is_left(sweeps)) == [3, 3, 1]
    assert {job.job_id for job in sweeps.launcher.launched} == many


def test_the_window_is_longer_than_any_event_may_take() -> None:
    six_hours_of_retries = timedelta(hours=6)  # MaximumEventAgeInSeconds of an asynchronous event

    assert RULES.upload_window > six_hours_of_retries
