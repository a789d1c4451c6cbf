"""Putting a file into the bucket."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from housing.s3.layout import DATA_SOURCE_METADATA, job_id
from housing_cli.errors import DataFileError
from housing_cli.jobs.upload import upload_file

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"


@pytest.fixture
def versioned(s3: "S3Client") -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})


def test_the_file_lies_under_new_data_with_its_source(s3: "S3Client", csv: Path) -> None:
    done = upload_file(s3, BUCKET, csv, source="generated (seed 0)")

    lies_there = s3.get_object(Bucket=BUCKET, Key="new_data/more.csv")
    assert done.key == "new_data/more.csv"
    assert done.bytes == csv.stat().st_size
    assert lies_there["Body"].read() == csv.read_bytes()
    assert lies_there["Metadata"] == {DATA_SOURCE_METADATA: "generated (seed 0)"}


def test_a_packed_file_has_the_content_type_of_gzip(s3: "S3Client", csv: Path) -> None:
    done = upload_file(s3, BUCKET, csv, name="more.csv.gz")

    assert s3.head_object(Bucket=BUCKET, Key=done.key)["ContentType"] == "application/gzip"


@pytest.mark.usefixtures("versioned")
def test_the_job_is_named_after_the_version(s3: "S3Client", csv: Path) -> None:
    done = upload_file(s3, BUCKET, csv)

    version = s3.head_object(Bucket=BUCKET, Key=done.key)["VersionId"]
    assert done.version == version
    assert done.job_id == job_id(bucket=BUCKET, key=done.key, version=version)


@pytest.mark.usefixtures("versioned")
@pytest.mark.parametrize("key", ["new_data/more.csv", "new_data/else.csv"])
def test_the_version_is_this_uploads_own_when_the_client_uploads_more_meanwhile(
    key: str, s3: "S3Client", csv: Path
) -> None:
    def upload_more(**_: object) -> None:
        s3.meta.events.unregister("after-call.s3.PutObject", upload_more)
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"something else")

    s3.meta.events.register_last("after-call.s3.PutObject", upload_more)
    done = upload_file(s3, BUCKET, csv)

    mine = s3.get_object(Bucket=BUCKET, Key=done.key, VersionId=done.version)
    assert mine["Body"].read() == csv.read_bytes()


def test_a_large_file_goes_up_in_parts_and_has_its_own_version(
    s3: "S3Client", folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("housing_cli.jobs.upload.ONE_PUT_BYTES", 5 << 20)
    path = folder / "large.csv"
    path.write_bytes(b"1,2,3,4\n" * (9 << 17))
    pieces: list[int] = []

    done = upload_file(s3, BUCKET, path, on_bytes=pieces.append)

    head = s3.head_object(Bucket=BUCKET, Key=done.key)
    assert head["ContentLength"] == done.bytes == sum(pieces)
    assert head["ETag"] == f'"{done.version}"'
    assert "-" in done.version  # the mark of an ETag of parts


def test_the_job_is_named_after_the_etag_in_a_bucket_without_versions(
    s3: "S3Client", csv: Path
) -> None:
    done = upload_file(s3, BUCKET, csv)

    etag = s3.head_object(Bucket=BUCKET, Key=done.key)["ETag"]
    assert f'"{done.version}"' == etag


def test_progress_adds_up_to_the_files_size(s3: "S3Client", folder: Path) -> None:
    path = folder / "long.csv"
    path.write_bytes(b"1,2,3\n" * 200_000)
    pieces: list[int] = []

    done = upload_file(s3, BUCKET, path, on_bytes=pieces.append)

    assert sum(pieces) == done.bytes == 1_200_000


def test_an_empty_file_is_uploaded_for_the_job_to_judge(s3: "S3Client", folder: Path) -> None:
    path = folder / "empty.csv"
    path.touch()

    assert upload_file(s3, BUCKET, path).bytes == 0


def test_a_source_that_is_not_ascii_still_reaches_the_bucket(s3: "S3Client", csv: Path) -> None:
    done = upload_file(s3, BUCKET, csv, source="file:häuser\n.csv")

    metadata = s3.head_object(Bucket=BUCKET, Key=done.key)["Metadata"][DATA_SOURCE_METADATA]
    assert metadata == "file:h?user?.csv"


def test_a_missing_file_is_named(s3: "S3Client") -> None:
    with pytest.raises(DataFileError, match=r"no such file: nowhere\.csv"):
        upload_file(s3, BUCKET, Path("nowhere.csv"))


def test_a_name_that_is_no_use_as_an_upload_is_refused_with_the_option(
    s3: "S3Client", csv: Path
) -> None:
    with pytest.raises(DataFileError, match=r"starts no job; set --name"):
        upload_file(s3, BUCKET, csv, name="data.txt")
