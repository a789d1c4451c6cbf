"""The records of which part each job brought."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from housing.errors import ObjectDeniedError, ObjectError
from housing.jobs.uploads import UploadRecords

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"


@pytest.fixture
def records(s3: "S3Client") -> UploadRecords:
    return UploadRecords(s3, BUCKET)


def put(s3: "S3Client", job_id: str) -> None:
    record = {
        "job_id": job_id,
        "part": f"part of {job_id}",
        "upload_key": "new_data/more.csv",
        "source": "upload",
        "uploaded_at": "2026-11-30T12:00:00Z",
        "rows": 10,
    }
    body = json.dumps(record).encode()
    s3.put_object(Bucket=BUCKET, Key=f"lineage/uploads/{job_id}.json", Body=body)


def test_a_record_is_found_by_its_job(records: UploadRecords, s3: "S3Client") -> None:
    put(s3, "job-1")

    record = records.load("job-1")

    assert record is not None
    assert (record.part, record.upload_key, record.rows) == (
        "part of job-1",
        "new_data/more.csv",
        10,
    )
    assert records.load("job-2") is None


def test_the_newest_records_are_read_and_nothing_else(
    records: UploadRecords, s3: "S3Client"
) -> None:
    for number in range(12):
        put(s3, f"job-{number}")
    s3.put_object(Bucket=BUCKET, Key="lineage/uploads/notes.txt", Body=b"not a record")

    assert {record.job_id for record in records.newest(99)} == {f"job-{n}" for n in range(12)}
    assert len(records.newest(5)) == 5


def test_a_garbled_record_is_an_error(records: UploadRecords, s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key="lineage/uploads/job-1.json", Body=b"{}")

    with pytest.raises(ObjectError, match=r"job-1\.json is not valid"):
        records.load("job-1")


def test_a_refusal_counts_as_missing_only_where_nothing_is_listed(
    records: UploadRecords, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3, "job-1")

    def refuse(**_: Any) -> Any:
        answer: Any = {"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}
        raise ClientError(answer, "GetObject")

    monkeypatch.setattr(s3, "get_object", refuse)

    assert records.load("job-2") is None
    with pytest.raises(ObjectDeniedError):
        records.load("job-1")


def test_a_bucket_that_cannot_be_listed_is_an_error(s3: "S3Client") -> None:
    assert s3
    with pytest.raises(ObjectError, match="cannot be listed"):
        UploadRecords(s3, "no-such-bucket").newest(5)
