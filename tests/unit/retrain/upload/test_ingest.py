"""Ingest: from an object under new_data/ to accepted rows and a report."""

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError

from fakes.faulty_s3 import PASSING, Fault, FaultyS3, cut, tampered
from fakes.tables import as_csv, housing_table
from housing.errors import ObjectError
from retrain.training.errors import UploadGoneError, UploadRejectedError
from retrain.training.upload.ingest import Ingested, Upload, ingest
from retrain.training.upload.limits import Limits

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PutUpload = Callable[..., Upload]
Read = Callable[[str], bytes]
Keys = Callable[[str], list[str]]


@pytest.fixture
def take(s3: "S3Client", tmp_path: Path) -> Callable[..., Ingested]:
    def taken(upload: Upload, max_bytes: int = 1 << 20, unpacked: int = 1 << 20) -> Ingested:
        return ingest(s3, upload, tmp_path, Limits(max_bytes, unpacked, max_bad_rows_share=0.1))

    return taken


def spoilt(rows: int, bad: int) -> bytes:
    table = housing_table(rows).astype({"MedInc": object})
    table.loc[: bad - 1, "MedInc"] = "a | b"
    return as_csv(table.assign(note="=1+1"))


def refused_upload(call: Callable[[], Any]) -> Any:
    """Raise as boto3's ``upload_file`` does when S3 is busy."""
    try:
        PASSING["503"](call)
    except ClientError as exc:
        raise S3UploadFailedError(str(exc))  # noqa: B904 - so does boto3
    raise AssertionError


def test_a_good_file_is_taken_and_nothing_is_written(
    take: Any, put_upload: PutUpload, keys: Keys
) -> None:
    upload = put_upload(as_csv(housing_table(30)))

    taken = take(upload)

    assert (taken.read, taken.rejected, taken.part.rows) == (30, 0, 30)
    assert not taken.report.says_anything
    assert keys("") == [upload.key]


def test_the_uploader_says_where_the_rows_come_from(take: Any, put_upload: PutUpload) -> None:
    content = as_csv(housing_table(30))

    assert take(put_upload(content)).source == "upload"
    assert take(put_upload(content, **{"data-source": "generated"})).source == "generated"


def test_a_file_with_a_tenth_of_bad_rows_is_used_without_them(
    take: Any, put_upload: PutUpload, read: Read
) -> None:
    upload = put_upload(spoilt(rows=30, bad=3))

    taken = take(upload)

    report = json.loads(read(f"rejected/{upload.job_id}/report.json"))
    assert (taken.read, taken.rejected, taken.accepted) == (30, 3, 27)
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


@pytest.mark.parametrize("cell", ["", "8,3", "abc"])
def test_a_file_without_a_good_row_is_rejected_whole(
    take: Any, put_upload: PutUpload, cell: str
) -> None:
    table = housing_table(30).astype({"MedInc": object}).assign(MedInc=cell)

    with pytest.raises(UploadRejectedError, match=r"30 of 30 rows are bad \(100.0%"):
        take(put_upload(as_csv(table)))


def test_the_report_for_people_shows_cells_as_text(
    take: Any, put_upload: PutUpload, read: Read
) -> None:
    upload = put_upload(spoilt(rows=30, bad=4))

    with pytest.raises(UploadRejectedError):
        take(upload)

    report = read(f"rejected/{upload.job_id}/report.md").decode()
    assert "| 1 | 2 | `MedInc` | `a \\| b` | not a number |" in report
    assert "rejected" in report.splitlines()[0]


def test_the_report_for_people_shows_the_files_name_as_text(
    take: Any, put_upload: PutUpload, read: Read
) -> None:
    upload = put_upload(b"no table", "a\n\n# [b](https://elsewhere).csv")

    with pytest.raises(UploadRejectedError):
        take(upload)

    title, *rest = read(f"rejected/{upload.job_id}/report.md").decode().splitlines()
    assert title == "# `new_data/a # [b](https://elsewhere).csv`: rejected"
    assert not any(line.startswith("#") for line in rest)


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


@pytest.mark.parametrize("fault", [cut(0.5), cut(0), tampered], ids=["half", "nothing", "tampered"])
@pytest.mark.parametrize("is_versioned", [True, False])
def test_an_upload_is_read_whole_or_not_at_all(
    faulty: FaultyS3, put_upload: PutUpload, tmp_path: Path, fault: Fault, *, is_versioned: bool
) -> None:
    content = as_csv(housing_table(300))
    upload = put_upload(content)
    if not is_versioned:
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        upload = replace(upload, version_id=None, etag=etag)
    network: Any = faulty
    limits = Limits(1 << 20, 1 << 20, max_bad_rows_share=0.1)

    faulty.fail("get_object", fault)
    ingested = ingest(network, upload, tmp_path, limits)
    assert (ingested.read, ingested.rejected) == (300, 0)

    faulty.fail("get_object", *[fault] * 20)
    with pytest.raises(ObjectError, match="cannot be read"):
        ingest(network, upload, tmp_path, limits)


def test_a_file_whose_report_cannot_be_written_is_rejected_all_the_same(
    faulty: FaultyS3, put_upload: PutUpload, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network: Any = faulty
    faulty.fail("upload_file", *[refused_upload] * 20)

    with pytest.raises(UploadRejectedError, match="4 of 30 rows") as raised:
        ingest(network, put_upload(spoilt(rows=30, bad=4)), tmp_path, Limits(1 << 20, 1 << 20, 0.1))

    assert raised.value.report_key is None
    assert "report_not_written" in caplog.text


def test_a_report_of_bad_rows_that_cannot_be_written_at_once_is_written_again(
    faulty: FaultyS3, put_upload: PutUpload, tmp_path: Path, keys: Keys
) -> None:
    network: Any = faulty
    upload = put_upload(spoilt(rows=30, bad=1))
    faulty.fail("upload_file", refused_upload)
    faulty.fail("put_object", PASSING["503"], PASSING["409"])

    ingest(network, upload, tmp_path, Limits(1 << 20, 1 << 20, 0.1))

    assert faulty.has_failed()
    assert len(keys(f"rejected/{upload.job_id}/")) == 3


def test_a_packed_file_is_unpacked_whatever_its_name(take: Any, put_upload: PutUpload) -> None:
    content = gzip.compress(as_csv(housing_table(30)))

    assert take(put_upload(content, "more.csv.gz")).read == 30
    assert take(put_upload(content, "more.csv")).read == 30
    assert take(put_upload(as_csv(housing_table(30)), "plain.csv.gz")).read == 30


def test_a_packed_file_that_is_rejected_is_kept_packed(
    take: Any, put_upload: PutUpload, read: Read
) -> None:
    content = gzip.compress(spoilt(rows=30, bad=4))
    upload = put_upload(content, "more.csv.gz")

    with pytest.raises(UploadRejectedError, match="4 of 30 rows"):
        take(upload)

    assert read(f"rejected/{upload.job_id}/more.csv.gz") == content


@pytest.mark.parametrize("cut", [200, -4])
def test_a_packed_file_that_is_cut_off_is_rejected(
    take: Any, put_upload: PutUpload, cut: int
) -> None:
    content = gzip.compress(as_csv(housing_table(30)))[:cut]

    with pytest.raises(UploadRejectedError, match="cannot be unpacked"):
        take(put_upload(content, "more.csv.gz"))


def test_a_small_file_that_unpacks_to_a_huge_one_is_rejected(
    take: Any, put_upload: PutUpload
) -> None:
    bomb = gzip.compress(as_csv(housing_table(3)) + b"\n" * 10_000_000)

    with pytest.raises(UploadRejectedError, match="unpacked, the file has over 1,048,576 bytes"):
        take(put_upload(bomb, "more.csv.gz"))


def test_repeated_rows_are_counted_and_reported(
    take: Any, put_upload: PutUpload, read: Read
) -> None:
    table = housing_table(30)
    upload = put_upload(as_csv(pd.concat([table, table[:5], table[:2]])))

    taken = take(upload)

    assert (taken.read, taken.accepted, taken.duplicates, taken.part.rows) == (37, 37, 7, 30)
    report = json.loads(read(f"rejected/{upload.job_id}/report.json"))
    assert (report["rows_duplicate"], report["rows_rejected"]) == (7, 0)
    text = read(f"rejected/{upload.job_id}/report.md").decode()
    assert text.splitlines()[0].endswith(": accepted")
    assert "repeat another one of the file: 7" in text


def test_ignored_columns_of_a_good_file_are_reported(
    take: Any, put_upload: PutUpload, read: Read, keys: Keys
) -> None:
    upload = put_upload(as_csv(housing_table(30).assign(note="x")))

    take(upload)

    folder = f"rejected/{upload.job_id}/"
    assert keys(folder) == [f"{folder}report.json", f"{folder}report.md"]
    assert "columns that were ignored: `note`" in read(f"{folder}report.md").decode()


def test_the_upload_does_not_stay_on_the_disk(
    take: Any, put_upload: PutUpload, tmp_path: Path
) -> None:
    taken = take(put_upload(as_csv(housing_table(30))))

    assert sorted(path.name for path in tmp_path.iterdir()) == ["accepted.parquet", "rows.csv"]
    assert taken.part.path == tmp_path / "accepted.parquet"
