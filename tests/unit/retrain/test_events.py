"""S3's events, from the sample events of the repository."""

from collections.abc import Callable
from typing import Any

import pytest

from housing.s3.layout import job_id
from retrain.errors import EventError
from retrain.events import jobs_in

Event = Callable[[str], dict[str, Any]]
BUCKET = "housing-dev-123456789012-us-east-1"
VERSION = "096fKKXTRTtl3on89fVO.nfljtsv6qko"
ETAG = "d41d8cd98f00b204e9800998ecf8427e"


def test_an_upload_is_a_job_named_by_bucket_key_and_version(event: Event) -> None:
    (job,) = jobs_in(event("s3-upload.ok"))

    assert (job.bucket, job.key, job.version_id) == (BUCKET, "new_data/housing.csv", VERSION)
    assert job.job_id == job_id(bucket=BUCKET, key="new_data/housing.csv", version=VERSION)


def test_a_multipart_upload_is_an_upload(event: Event) -> None:
    assert len(jobs_in(event("s3-upload-multipart.ok"))) == 1


def test_keys_are_decoded(event: Event) -> None:
    (job,) = jobs_in(event("s3-upload-encoded-key.ok"))

    assert job.key == "new_data/block groups + café.csv"


def test_percent_signs_plus_signs_and_other_scripts_are_decoded(event: Event) -> None:
    (job,) = jobs_in(event("s3-upload-percent-encoded-key.ok"))

    assert job.key == "new_data/加州 100% +1.csv"


def test_a_packed_file_is_an_upload(event: Event) -> None:
    (job,) = jobs_in(event("s3-upload-gzip.ok"))

    assert job.key == "new_data/north.csv.gz"


def test_of_an_event_of_many_kinds_each_version_that_was_put_is_a_job(event: Event) -> None:
    uploads = jobs_in(event("s3-mixed.ok"))

    assert [(job.key, job.version_id) for job in uploads] == [
        ("new_data/second.csv", "version-2"),
        ("new_data/first.csv.gz", "version-1"),
        ("new_data/second.csv", "version-0"),
    ]
    assert len({job.job_id for job in uploads}) == 3


def test_a_job_does_not_depend_on_the_order_of_events(event: Event) -> None:
    """Emulators repeat ``sequencer`` or leave it out; the version alone tells uploads apart."""
    content = event("s3-mixed.ok")
    jobs = {job.job_id for job in jobs_in(content)}
    for record in content["Records"]:
        record["s3"]["object"].pop("sequencer", None)
    content["Records"].reverse()

    assert {job.job_id for job in jobs_in(content)} == jobs


def test_without_versions_the_etag_identifies_an_upload(event: Event) -> None:
    (job,) = jobs_in(event("s3-upload-unversioned.ok"))

    assert (job.version_id, job.upload_version) == (None, ETAG)


def test_the_version_null_is_none(event: Event) -> None:
    content = event("s3-upload.ok")
    content["Records"][0]["s3"]["object"]["versionId"] = "null"

    (job,) = jobs_in(content)

    assert (job.version_id, job.upload_version) == (None, ETAG)


def test_quotes_around_an_etag_do_not_make_another_job(event: Event) -> None:
    content = event("s3-upload-unversioned.ok")
    (plain,) = jobs_in(content)
    content["Records"][0]["s3"]["object"]["eTag"] = f'"{ETAG}"'

    (quoted,) = jobs_in(content)

    assert quoted.job_id == plain.job_id


def test_an_upload_that_an_event_names_twice_is_one_job(event: Event) -> None:
    uploads = jobs_in(event("s3-two-uploads.ok"))

    assert [job.key for job in uploads] == ["new_data/north.csv", "new_data/south.csv"]


@pytest.mark.parametrize("name", ["s3-test-event.ok", "s3-deleted.ok", "s3-other-keys.ok"])
def test_other_events_are_ignored(event: Event, name: str) -> None:
    assert jobs_in(event(name)) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("s3-no-object.bad", "Records.0.s3.object"),
        ("s3-no-version.bad", "neither versionId nor eTag"),
    ],
)
def test_an_event_that_is_not_s3s_is_refused_with_what_it_lacks(
    event: Event, name: str, says: str
) -> None:
    with pytest.raises(EventError, match=says):
        jobs_in(event(name))


def test_arguments_survive_a_version_that_looks_like_an_option(event: Event) -> None:
    content = event("s3-upload.ok")
    content["Records"][0]["s3"]["object"]["versionId"] = "-x"

    (job,) = jobs_in(content)

    assert "--version-id=-x" in job.arguments()
    assert job.arguments()[-2:] == ["--job-id", job.job_id]
