"""From an object under new_data/ to accepted rows and a report on the others."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from fakes.tables import as_csv, housing_table
from retrain.training.errors import UploadGoneError, UploadRejectedError
from retrain.training.ingest import Ingested, Upload, ingest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PutUpload = Callable[..., Upload]
Read = Callable[[str], bytes]
Keys = Callable[[str], list[str]]


@pytest.fixture
def take(s3: "S3Client") -> Callable[[Upload], Ingested]:
    def taken(upload: Upload, max_bytes: int = 1 << 20) -> Ingested:
        return ingest(s3, upload, max_bytes=max_bytes, max_bad_rows_share=0.1)

    return taken


def spoilt(rows: int, bad: int) -> bytes:
    table = housing_table(rows).astype({"MedInc": object})
    table.loc[: bad - 1, "MedInc"] = "a | b"
    return as_csv(table.assign(note="=1+1"))


def test_a_good_file_is_taken_and_nothing_is_written(
    take: Any, put_upload: PutUpload, keys: Keys
) -> None:
    upload = put_upload(as_csv(housing_table(30)))

    found = take(upload)

    assert (found.read, found.rejected, found.report_key) == (30, 0, None)
    assert keys("") == [upload.key]


def test_the_uploader_says_where_the_rows_come_from(take: Any, put_upload: PutUpload) -> None:
    content = as_csv(housing_table(30))

    assert take(put_upload(content)).source == "upload"
    assert take(put_upload(content, **{"data-source": "generated"})).source == "generated"


def test_a_file_with_a_tenth_of_bad_rows_is_used_without_them(
    take: Any, put_upload: PutUpload, read: Read
) -> None:
    upload = put_upload(spoilt(rows=30, bad=3))

    found = take(upload)

    report = json.loads(read(found.report_key))
    assert (found.read, found.rejected, len(found.rows)) == (30, 3, 27)
    assert (report["rejected_whole"], report["problems_total"]) == (False, 3)
    assert report["problems"][0] == {
        "row": 1,
        "line": 2,
        "column": "MedInc",
        "value": "a | b",
        "reason": "not a number",
    }
    assert report["ignored_columns"] == ["note"]
    bad_rows = read(f"rejected/{upload.job_id}/rows.csv").decode().splitlines()
    assert len(bad_rows) == 4
    assert bad_rows[0].endswith(",MedHouseVal,note")
    assert bad_rows[1].startswith("a | b,")


def test_a_file_with_more_bad_rows_is_rejected_whole_and_kept_beside_its_report(
    take: Any, put_upload: PutUpload, read: Read, keys: Keys
) -> None:
    content = spoilt(rows=30, bad=4)
    upload = put_upload(content)

    with pytest.raises(UploadRejectedError, match=r"4 of 30 rows are bad \(13.3%; 10%") as caught:
        take(upload)

    folder = f"rejected/{upload.job_id}/"
    assert caught.value.report_key == f"{folder}report.json"
    assert keys(folder) == [f"{folder}{name}" for name in ("more.csv", "report.json", "report.md")]
    assert read(f"{folder}more.csv") == content == read(upload.key)
    assert json.loads(read(f"{folder}report.json"))["rejected_whole"] is True


def test_the_report_for_people_shows_cells_as_text(
    take: Any, put_upload: PutUpload, read: Read
) -> None:
    upload = put_upload(spoilt(rows=30, bad=4))

    with pytest.raises(UploadRejectedError):
        take(upload)

    report = read(f"rejected/{upload.job_id}/report.md").decode()
    assert "| 1 | 2 | MedInc | a \\| b | not a number |" in report
    assert "rejected" in report.splitlines()[0]


def test_a_file_that_is_no_csv_is_rejected_with_a_report(
    take: Any, put_upload: PutUpload, read: Read
) -> None:
    upload = put_upload(b"MedInc,HouseAge\n1,2\n")

    with pytest.raises(UploadRejectedError, match="missing columns AveRooms") as caught:
        take(upload)

    assert caught.value.report_key
    assert "AveRooms" in json.loads(read(caught.value.report_key))["reason"]


def test_a_file_over_the_limit_is_rejected_without_a_copy(
    take: Any, put_upload: PutUpload, keys: Keys
) -> None:
    upload = put_upload(as_csv(housing_table(30)))

    with pytest.raises(UploadRejectedError, match="1,000 is the limit"):
        take(upload, max_bytes=1_000)

    assert len(keys(f"rejected/{upload.job_id}/")) == 2


def test_the_version_that_was_uploaded_is_read_and_not_the_newest(
    take: Any, put_upload: PutUpload
) -> None:
    first = put_upload(as_csv(housing_table(30)))
    put_upload(as_csv(housing_table(40)))

    assert take(first).read == 30


def test_an_upload_that_is_gone_is_no_bad_file(
    take: Any, put_upload: PutUpload, s3: "S3Client"
) -> None:
    upload = put_upload(as_csv(housing_table(30)))
    s3.delete_object(Bucket=upload.bucket, Key=upload.key, VersionId=str(upload.version_id))

    with pytest.raises(UploadGoneError):
        take(upload)


def test_without_versions_an_upload_that_was_overwritten_is_gone(
    take: Any, put_upload: PutUpload
) -> None:
    upload = put_upload(as_csv(housing_table(30)))
    overwritten = Upload(upload.job_id, upload.bucket, upload.key, None, "0" * 32)

    with pytest.raises(UploadGoneError, match="overwritten"):
        take(overwritten)
