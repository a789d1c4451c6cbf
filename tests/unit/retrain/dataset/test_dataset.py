"""The data set in the bucket: idempotent, with a record of each upload."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fakes.faulty_s3 import PASSING, Fault, FaultyS3, cut, tampered
from fakes.tables import housing_table
from fakes.uploads import FIRST_UPLOAD, KEY, snapshot_after
from housing.errors import ObjectError
from housing.s3.documents import Documents
from housing.s3.layout import DATASET, HOLDOUT_KEY
from retrain.training.dataset.dataset import Dataset
from retrain.training.dataset.holdout_key import holdout_key
from retrain.training.dataset.rows import Values, hash_rows
from retrain.training.dataset.snapshot import snapshot_of
from retrain.training.errors import DatasetError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
ROWS: Values = housing_table(90).to_numpy()


@pytest.fixture
def dataset(s3: "S3Client") -> Dataset:
    return Dataset(s3, BUCKET)


def add(dataset: Dataset, rows: Values, job_id: str, *, hours: int = 0) -> str:
    moment = FIRST_UPLOAD + timedelta(hours=hours)
    return dataset.add(rows, source="upload", job_id=job_id, uploaded_at=moment)


def test_the_same_rows_are_one_part_that_two_jobs_brought(dataset: Dataset) -> None:
    first = add(dataset, ROWS, "a")
    second = add(dataset, ROWS[::-1], "b", hours=1)

    assert first == second
    assert [(one.job_id, one.part) for one in dataset.uploads()] == [("a", first), ("b", first)]
    loaded = dataset.load(dataset.uploads())
    assert loaded[0].rows is loaded[1].rows


def test_a_job_that_is_tried_again_has_one_record(dataset: Dataset) -> None:
    add(dataset, ROWS, "a")
    add(dataset, ROWS, "a")

    assert len(dataset.uploads()) == 1


def test_uploads_are_in_the_order_of_their_times_whenever_they_were_read(dataset: Dataset) -> None:
    add(dataset, ROWS[60:], "late", hours=2)
    add(dataset, ROWS[:30], "early")
    add(dataset, ROWS[30:60], "between", hours=1)

    assert [one.job_id for one in dataset.uploads()] == ["early", "between", "late"]


def test_a_part_without_a_record_counts_as_uploaded_when_it_was_stored(
    dataset: Dataset, s3: "S3Client"
) -> None:
    part = add(dataset, ROWS, "a")
    s3.delete_object(Bucket=BUCKET, Key="lineage/uploads/a.json")

    (record,) = dataset.uploads()

    stored = s3.head_object(Bucket=BUCKET, Key=f"{DATASET}{part}.parquet")["LastModified"]
    assert (record.job_id, record.part, record.source) == ("a", part, "upload")
    assert record.uploaded_at == stored > FIRST_UPLOAD


def test_a_part_is_read_when_it_is_used_and_let_go_afterwards(
    dataset: Dataset, faulty: FaultyS3
) -> None:
    parts = [add(dataset, ROWS[:30], "a"), add(dataset, ROWS[30:], "b", hours=1)]
    network: Any = faulty
    loaded = Dataset(network, BUCKET).load(dataset.uploads())
    before = faulty.calls.count("get_object")

    snapshot, arrivals = snapshot_of(loaded, KEY)

    assert (len(snapshot), arrivals["b"].new) == (90, 60)
    assert faulty.calls.count("get_object") == before + len(parts)
    assert len(loaded[0].rows) == 30  # they were let go, and are read once more
    assert faulty.calls.count("get_object") == before + len(parts) + 1


def test_rows_come_back_as_they_were(dataset: Dataset) -> None:
    add(dataset, ROWS, "a")

    (upload,) = dataset.load(dataset.uploads())

    assert {row.tobytes() for row in upload.rows} == {row.tobytes() for row in ROWS}


def test_a_snapshot_is_found_again_by_the_name_of_its_rows(dataset: Dataset) -> None:
    snapshot = snapshot_after(ROWS)

    dataset.keep_snapshot(snapshot)
    dataset.keep_snapshot(snapshot)

    record = dataset.snapshot_record(snapshot.dataset_id)
    assert record is not None
    assert (record.uploads, record.key_id) == (("job-0",), KEY.id)
    assert dataset.snapshot_record("another") is None


@pytest.mark.parametrize("content", [b"", b"not parquet"])
def test_a_part_that_cannot_be_read_is_named(
    dataset: Dataset, s3: "S3Client", content: bytes
) -> None:
    s3.put_object(Bucket=BUCKET, Key="dataset/broken.parquet", Body=content)

    [upload] = dataset.load(dataset.uploads())

    with pytest.raises(DatasetError, match=r"dataset/broken\.parquet"):
        _ = upload.rows


def test_a_record_that_is_garbled_is_named(dataset: Dataset, s3: "S3Client") -> None:
    for key in ("lineage/uploads/a.json", "lineage/snapshots/1.json"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"{")

    with pytest.raises(ObjectError, match=r"lineage/uploads/a\.json is not valid"):
        dataset.uploads()
    with pytest.raises(DatasetError, match=r"lineage/snapshots/1\.json is not valid"):
        dataset.snapshot_record("1")


def test_the_first_job_makes_the_key_and_the_others_find_it(s3: "S3Client") -> None:
    documents = Documents(s3, BUCKET)

    first, second = (holdout_key(documents, 0.2) for _ in range(2))

    assert first == second
    assert len(first.secret) == 32
    assert holdout_key(documents, 0.3).id != first.id


def test_of_two_jobs_that_make_the_key_at_once_one_does(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = Documents(s3, BUCKET)
    before = documents.create

    def create(key: str, content: bytes) -> str | None:
        s3.put_object(Bucket=BUCKET, Key=HOLDOUT_KEY, Body=b"o" * 32)
        return before(key, content)

    monkeypatch.setattr(documents, "create", create)

    assert holdout_key(documents, 0.2).secret == b"o" * 32


def test_a_key_that_is_not_one_is_named(s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key=HOLDOUT_KEY, Body=b"short")

    with pytest.raises(DatasetError, match=HOLDOUT_KEY):
        holdout_key(Documents(s3, BUCKET), 0.2)


def test_a_part_of_other_rows_than_its_name_says_is_named(dataset: Dataset, s3: "S3Client") -> None:
    key, other = (f"{DATASET}{add(dataset, rows, 'a')}.parquet" for rows in (ROWS, ROWS[:-1]))
    s3.copy_object(Bucket=BUCKET, Key=key, CopySource={"Bucket": BUCKET, "Key": other})

    with pytest.raises(DatasetError, match="does not match the digest in its name"):
        _ = [upload.rows for upload in dataset.load(dataset.uploads())]


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_part_that_met_itself_or_another_writer_is_kept(
    s3: "S3Client", faulty: FaultyS3, fault: Fault
) -> None:
    network: Any = faulty
    faulty.fail("put_object", fault)

    part = add(Dataset(network, BUCKET), ROWS, "a")

    assert faulty.has_failed()
    stored = Dataset(s3, BUCKET)
    [upload] = stored.load(stored.uploads())
    assert (upload.part, upload.job_id, len(upload.rows)) == (part, "a", len(ROWS))


@pytest.mark.parametrize("fault", [cut(0.5), cut(0), tampered], ids=["half", "nothing", "tampered"])
def test_a_part_is_read_whole(dataset: Dataset, faulty: FaultyS3, fault: Fault) -> None:
    add(dataset, ROWS, "a")
    records = dataset.uploads()
    network: Any = faulty
    faulty.fail("get_object", fault)

    [upload] = Dataset(network, BUCKET).load(records)

    assert len(upload.rows) == len(ROWS)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (9, ["d7af92eca7cd50e1", "7f02b989884cf40b"]),
        (8, ["f1c2c66003137f1c", "1a51b7fa51e17141"]),
    ],
)
def test_hashes_of_rows_are_murmurs_and_never_change(columns: int, expected: list[str]) -> None:
    """Expected is what ``mmh3.hash64(row.tobytes(), signed=False)`` of mmh3 5 says.

    The names of parts and data sets rest on them: another hash is another code version.
    """
    row = np.arange(columns, dtype=np.float64).reshape(1, columns)

    assert [f"{half:016x}" for half in hash_rows(row)[0]] == expected


def test_a_row_has_the_same_hash_wherever_it_lies_in_a_file() -> None:
    rows = np.random.default_rng(0).uniform(size=(10_000, 9))

    hashes = hash_rows(rows)

    picked = [0, 4_095, 4_096, 9_999]
    np.testing.assert_array_equal(hash_rows(rows[picked]), hashes[picked])
    assert len(np.unique(hashes[:, 0])) == len(rows)


@pytest.mark.parametrize("count", [1, 2, 4_097])
def test_rows_are_not_changed_by_being_hashed(count: int) -> None:
    rows = np.random.default_rng(0).uniform(size=(count, 9))
    before = rows.copy()

    hash_rows(rows)

    np.testing.assert_array_equal(rows, before)


def test_rows_that_cannot_be_written_are_not_taken_for_rows_that_are_there(s3: "S3Client") -> None:
    with pytest.raises(ObjectError, match="NoSuchBucket"):
        add(Dataset(s3, "no-such-bucket"), ROWS, "a")
