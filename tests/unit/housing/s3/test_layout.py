"""Where things lie in the bucket."""

import pytest

from housing.errors import UploadNameError
from housing.s3.layout import is_upload, job_id, upload_key


@pytest.mark.parametrize(
    "key",
    [
        *("new_data/a.csv", "new_data/two words.csv", "new_data/b/c.csv", "new_data/a.csv.gz"),
        *("new_data/UPPER.CSV", "new_data/a.Csv.GZ", "new_data/tabs.tsv", "new_data/T.TSV.gz"),
    ],
)
def test_a_csv_under_new_data_is_an_upload(key: str) -> None:
    assert is_upload(key)


@pytest.mark.parametrize(
    "key",
    [
        "new_data/",
        "new_data/a.txt",
        "new_data/a.gz",
        "new_data/a.csv.zip",
        "dataset/a.csv",
        "old/new_data/a.csv",
        "new_data.csv",
        "",
    ],
)
def test_nothing_else_is_an_upload(key: str) -> None:
    assert not is_upload(key)


def test_the_same_upload_always_gets_the_same_job() -> None:
    first = job_id(bucket="b", key="new_data/a.csv", version="1")

    assert first == job_id(bucket="b", key="new_data/a.csv", version="1")
    assert first == "53ef5d9c1f83715f"


@pytest.mark.parametrize(
    ("bucket", "key", "version"),
    [("c", "new_data/a.csv", "1"), ("b", "new_data/b.csv", "1"), ("b", "new_data/a.csv", "2")],
)
def test_another_upload_gets_another_job(bucket: str, key: str, version: str) -> None:
    other = job_id(bucket=bucket, key=key, version=version)

    assert other != job_id(bucket="b", key="new_data/a.csv", version="1")


def test_a_jobs_name_is_fit_for_keys_and_container_names() -> None:
    name = job_id(bucket="b", key="new_data/häu ser+%.csv", version="1")

    assert len(name) == 16
    assert name.isalnum()
    assert name.isascii()


@pytest.mark.parametrize(
    "name", ["data.txt", "", ".csv", ".CSV", "a/b.csv", "a\n.csv", f"{'ü' * 600}.csv"]
)
def test_a_name_that_is_no_use_as_an_upload_is_refused(name: str) -> None:
    with pytest.raises(UploadNameError, match=r"starts no job|is not a valid name"):
        upload_key(name)


@pytest.mark.parametrize("name", ["more.csv", "two words (1).csv", "häuser.csv"])
def test_an_ordinary_name_is_kept(name: str) -> None:
    assert upload_key(name) == f"new_data/{name}"
