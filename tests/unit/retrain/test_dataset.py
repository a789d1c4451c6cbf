"""The data set: idempotent, and blind to order."""

from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from botocore.exceptions import ClientError

from fakes.tables import housing_table
from retrain.training.dataset.dataset import Dataset, Snapshot, new_and_before, snapshot_of
from retrain.training.dataset.row_hash import hash_rows
from retrain.training.dataset.rows import Values
from retrain.training.errors import DatasetError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
ROWS: Values = housing_table(90).to_numpy()


@pytest.fixture
def dataset(s3: "S3Client") -> Dataset:
    return Dataset(s3, BUCKET)


def snapshot_after(dataset: Dataset, *uploads: Values) -> Snapshot:
    for number, values in enumerate(uploads):
        dataset.add(values, source="upload", job_id=f"job-{number}")
    return snapshot_of(dataset.parts())


def test_the_same_rows_are_one_part_in_whatever_order(dataset: Dataset) -> None:
    first = dataset.add(ROWS, source="upload", job_id="a")
    second = dataset.add(ROWS[::-1], source="other", job_id="b")

    assert first == second
    assert [part.source for part in dataset.parts()] == ["upload"]


def test_the_snapshot_does_not_depend_on_the_order_of_uploads(s3: "S3Client") -> None:
    thirds = np.split(ROWS, 3)
    ids = set()
    for number, order in enumerate(permutations(thirds)):
        s3.create_bucket(Bucket=f"order-{number}")
        snapshot = snapshot_after(Dataset(s3, f"order-{number}"), *order)
        ids.add((snapshot.dataset_id, snapshot.rows.tobytes()))

    assert len(ids) == 1


def test_the_snapshot_does_not_depend_on_how_rows_are_spread_over_files(s3: "S3Client") -> None:
    s3.create_bucket(Bucket="other")

    whole = snapshot_after(Dataset(s3, BUCKET), ROWS)
    overlapping = snapshot_after(Dataset(s3, "other"), ROWS[:60], ROWS[30:], ROWS[:10])

    assert overlapping.dataset_id == whole.dataset_id
    assert len(overlapping) == len(whole) == 90


def test_another_row_is_another_data_set(dataset: Dataset) -> None:
    before = snapshot_after(dataset, ROWS[:89])

    after = snapshot_after(dataset, ROWS[89:])

    assert after.dataset_id != before.dataset_id
    assert len(after) == 90


def test_rows_come_back_as_they_were(dataset: Dataset) -> None:
    snapshot = snapshot_after(dataset, ROWS)

    assert {row.tobytes() for row in snapshot.rows} == {row.tobytes() for row in ROWS}


def test_minus_zero_is_zero(dataset: Dataset) -> None:
    zero, minus_zero = ROWS[:1].copy(), ROWS[:1].copy()
    zero[0, 0], minus_zero[0, 0] = 0.0, -0.0

    assert len(snapshot_after(dataset, zero, minus_zero)) == 1


def test_the_sources_of_all_parts_are_named(dataset: Dataset) -> None:
    dataset.add(ROWS[:30], source="upload", job_id="a")
    dataset.add(ROWS[30:60], source="generated", job_id="b")
    dataset.add(ROWS[60:], source="upload", job_id="c")

    assert snapshot_of(dataset.parts()).data_source == "generated+upload"


def as_set(rows: Values) -> set[bytes]:
    return {row.tobytes() for row in rows}


def test_new_rows_are_those_that_no_earlier_part_held(dataset: Dataset) -> None:
    dataset.add(ROWS[:40], source="upload", job_id="a")
    dataset.add(ROWS[30:60], source="upload", job_id="b")

    third = dataset.add(ROWS[50:], source="upload", job_id="c")

    new, before = new_and_before(dataset.parts(), key=third, job_id="c")
    assert (len(new), as_set(new)) == (30, as_set(ROWS[60:]))
    assert (len(before), as_set(before)) == (60, as_set(ROWS[:60]))


def test_all_rows_of_the_first_upload_are_new(dataset: Dataset) -> None:
    key = dataset.add(ROWS, source="upload", job_id="a")

    new, before = new_and_before(dataset.parts(), key=key, job_id="a")

    assert (len(new), before.shape) == (90, (0, 9))


def test_a_job_that_is_tried_again_has_the_same_new_rows(dataset: Dataset) -> None:
    dataset.add(ROWS[:20], source="upload", job_id="a")
    dataset.add(ROWS[10:], source="upload", job_id="b")

    key = dataset.add(ROWS[10:], source="upload", job_id="b")

    new, before = new_and_before(dataset.parts(), key=key, job_id="b")
    assert (as_set(new), as_set(before)) == (as_set(ROWS[20:]), as_set(ROWS[:20]))


def test_the_same_file_uploaded_again_has_no_new_rows(dataset: Dataset) -> None:
    dataset.add(ROWS, source="upload", job_id="a")

    key = dataset.add(ROWS, source="upload", job_id="b")

    new, before = new_and_before(dataset.parts(), key=key, job_id="b")
    assert (len(new), len(before)) == (0, 90)


@pytest.mark.parametrize("content", [b"", b"not parquet"])
def test_a_part_that_cannot_be_read_is_named(
    dataset: Dataset, s3: "S3Client", content: bytes
) -> None:
    s3.put_object(Bucket=BUCKET, Key="dataset/broken.parquet", Body=content)

    with pytest.raises(DatasetError, match=r"dataset/broken\.parquet"):
        dataset.parts()


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (9, ["d7af92eca7cd50e1", "7f02b989884cf40b"]),
        (8, ["f1c2c66003137f1c", "1a51b7fa51e17141"]),
    ],
)
def test_hashes_of_rows_are_murmurs_and_never_change(columns: int, expected: list[str]) -> None:
    """Expected is what ``mmh3.hash64(row.tobytes(), signed=False)`` of mmh3 5 says.

    The split and the names of data sets rest on them: another hash is another code version.
    """
    row = np.arange(columns, dtype=np.float64).reshape(1, columns)

    assert [f"{half:016x}" for half in hash_rows(row)[0]] == expected


def test_a_row_has_the_same_hash_wherever_it_lies_in_a_file() -> None:
    rows = np.random.default_rng(0).uniform(size=(10_000, 9))

    hashes = hash_rows(rows)

    picked = [0, 4_095, 4_096, 9_999]
    np.testing.assert_array_equal(hash_rows(rows[picked]), hashes[picked])
    assert len(np.unique(hashes[:, 0])) == len(rows)


def test_rows_that_cannot_be_written_are_not_taken_for_rows_that_are_there(s3: "S3Client") -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        Dataset(s3, "no-such-bucket").add(ROWS, source="upload", job_id="a")
