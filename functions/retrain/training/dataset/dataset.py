"""The data set in the bucket: an append-only store of parts, with a record of each upload.

A part holds the accepted rows of an upload and is content-addressed, so that equal rows are stored
once. A record links a job to its part and the time of its upload; on conflicts the values of the
latest upload win.
"""

import hashlib
import weakref
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError

from housing.jobs.uploads import UploadRecord, UploadRecords
from housing.s3.bodies import save_body
from housing.s3.documents import Documents, Listed
from housing.s3.layout import DATA_SOURCE_METADATA, DATASET, LINEAGE_SNAPSHOTS
from housing.schema import CANONICAL_HEADER
from retrain.training.dataset.levels import LEVELS, as_metadata, of_metadata, of_today
from retrain.training.dataset.rows import Values, bytes_of_rows, distinct
from retrain.training.dataset.snapshot import Snapshot
from retrain.training.errors import DatasetError

_GROUP_ROWS = 1 << 17
_SCHEMA = pa.schema(
    [(name, pa.float64()) for name in CANONICAL_HEADER], metadata=as_metadata(LEVELS)
)


@dataclass(frozen=True, slots=True)
class PartFile:
    """File, digest and row count of a part; its rows are distinct, unless rows may repeat."""

    path: Path
    digest: str
    rows: int


def write_part(path: Path, batches: Iterable[Values]) -> PartFile:
    """Write rows that come in the order of their hashes.

    The digest is the SHA-256 over the categories, where there are some, and the rows' float64
    bytes: it depends on the rows alone, not on their batches.
    """
    digest, count = _hash_of(LEVELS), 0
    with pq.ParquetWriter(path, _SCHEMA, use_dictionary=False) as writer:  # a third of the time
        for rows in _groups(batches):
            digest.update(bytes_of_rows(rows))
            count += len(rows)
            columns = [np.ascontiguousarray(column) for column in rows.T]
            writer.write_table(pa.table(columns, schema=_SCHEMA))
    return PartFile(path, digest.hexdigest(), count)


def digest_of(rows: Values, levels: Mapping[str, list[str]]) -> str:
    """Return the digest of a part's rows, which are in the order of their hashes."""
    digest = _hash_of(levels)
    for start in range(0, len(rows), _GROUP_ROWS):
        digest.update(bytes_of_rows(rows[start : start + _GROUP_ROWS]))
    return digest.hexdigest()


def _hash_of(levels: Mapping[str, list[str]]) -> "hashlib._Hash":
    """Return a hash that has taken the categories in, without which a code means nothing."""
    written = as_metadata(levels)
    return hashlib.sha256(b"".join(written.values()) if written else b"")


def _groups(batches: Iterable[Values]) -> Iterator[Values]:
    """Merge small batches, so that the file has few row groups."""
    waiting: list[Values] = []
    for rows in batches:
        waiting.append(rows)
        if sum(map(len, waiting)) >= _GROUP_ROWS:
            yield np.concatenate(waiting)
            waiting = []
    if waiting:
        yield np.concatenate(waiting)


if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_JOB_METADATA = "job-id"
_SUFFIX = ".parquet"
_RECORD = ".json"
_MOST_BYTES = 8 << 30  # more rows than any upload may have


class SnapshotRecord(BaseModel):
    """Uploads of a snapshot, and the key of its split."""

    uploads: tuple[str, ...]
    key_id: str


def read_part(path: Path, part: str, source: str) -> Values:
    """Read the rows of a part from its file, a group at a time.

    Raises:
        DatasetError: It is not a table of this subject, or does not match its digest.
    """
    try:
        with pq.ParquetFile(path) as file:
            levels = of_metadata(file.schema_arrow.metadata)
            rows: Values = np.empty((file.metadata.num_rows, len(CANONICAL_HEADER)))
            at = 0
            for batch in file.iter_batches(_GROUP_ROWS):
                group = rows[at : at + len(batch)]
                for place, name in enumerate(CANONICAL_HEADER):
                    group[:, place] = batch.column(name).to_numpy(zero_copy_only=False)
                at += len(batch)
    except (pa.ArrowException, KeyError, ValueError) as exc:
        msg = f"{source} is not a table of {', '.join(CANONICAL_HEADER)}"
        raise DatasetError(msg) from exc
    if digest_of(rows, levels) != part:
        msg = f"{source} does not match the digest in its name"
        raise DatasetError(msg)
    return of_today(rows, levels, source)


class Dataset:
    """The parts and records under ``dataset/``.

    All methods raise ``ObjectError`` if the bucket cannot be read or written.
    """

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        """Use an S3 client on one bucket."""
        self._s3 = s3
        self._bucket = bucket
        self._documents = Documents(s3, bucket)
        self._records = UploadRecords(s3, bucket)

    def add(self, values: Values, *, source: str, job_id: str, uploaded_at: datetime) -> str:
        """Add rows from memory; see ``add_file``."""
        with TemporaryDirectory(prefix="housing-part-") as folder:
            part = write_part(Path(folder, "part"), [distinct(values)[0]])
            record = UploadRecord(
                job_id=job_id,
                part=part.digest,
                source=source,
                uploaded_at=uploaded_at,
                rows=part.rows,
            )
            self.add_file(part, record)
        return part.digest

    def add_file(self, part: PartFile, record: UploadRecord) -> None:
        """Add accepted rows as a part, unless an equal one exists, and the upload's record."""
        metadata = {DATA_SOURCE_METADATA: record.source, _JOB_METADATA: record.job_id}
        self._documents.keep_file(_part_key(part.digest), part.path, metadata=metadata)
        self._records.create(record)

    def uploads(self) -> list[UploadRecord]:
        """Read the records of all uploads, in the order of the uploads.

        A part without a record, of an older release, counts as uploaded when it was stored.
        """
        records = list(self._records.newest())
        recorded = {record.part for record in records}
        stored = [one for one in self._documents.listed(DATASET) if one.key.endswith(_SUFFIX)]
        others = [one for one in stored if _part_of(one.key) not in recorded]
        records += [self._record_of(one) for one in others]
        return sorted(records, key=lambda record: (record.uploaded_at, record.job_id))

    def load(self, records: Sequence[UploadRecord]) -> "list[StoredRows]":
        """Return the rows of some uploads, each of which is read when it is used."""
        read: MutableMapping[str, Values] = weakref.WeakValueDictionary()
        return [
            StoredRows(one.job_id, one.part, one.source, one.uploaded_at, self, read)
            for one in records
        ]

    def read(self, part: str) -> Values:
        """Read the rows of a part.

        Raises:
            DatasetError: It is not a table of this subject, or does not match its digest.
        """
        key = _part_key(part)
        with TemporaryDirectory(prefix="housing-part-") as folder:
            path = Path(folder, "part")
            save_body(self._s3, self._bucket, key, path, most_bytes=_MOST_BYTES)
            return read_part(path, part, key)

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        """Store which uploads a snapshot consists of, for later jobs."""
        record = SnapshotRecord(uploads=snapshot.uploads, key_id=snapshot.key_id)
        content = record.model_dump_json(indent=1).encode()
        self._documents.create(_snapshot_key(snapshot.dataset_id), content)

    def snapshot_record(self, dataset_id: str) -> SnapshotRecord | None:
        """Return a snapshot's record, or None if there is none."""
        document = self._documents.read(_snapshot_key(dataset_id))
        try:
            return SnapshotRecord.model_validate_json(document.content) if document else None
        except ValidationError as exc:
            msg = f"{_snapshot_key(dataset_id)} is not valid: {exc.error_count()} errors"
            raise DatasetError(msg) from exc

    def _record_of(self, stored: Listed) -> UploadRecord:
        metadata = self._documents.metadata(stored.key)
        part = _part_of(stored.key)
        return UploadRecord(
            job_id=metadata.get(_JOB_METADATA, part),
            part=part,
            source=metadata.get(DATA_SOURCE_METADATA, "unknown"),
            uploaded_at=stored.written_at,
        )


@dataclass(frozen=True, slots=True)
class StoredRows:
    """The accepted rows of an upload in the bucket.

    They are read at each use, unless those of the same part are in memory still.
    """

    job_id: str
    part: str
    source: str
    uploaded_at: datetime
    _dataset: Dataset = field(repr=False)
    _read: MutableMapping[str, Values] = field(repr=False)

    @property
    def rows(self) -> Values:
        """The rows.

        Raises:
            DatasetError: The part cannot be read.
            ObjectError: Neither can the bucket.
        """
        rows = self._read.get(self.part)
        if rows is None:
            rows = self._read[self.part] = self._dataset.read(self.part)
        return rows


def _part_of(key: str) -> str:
    return key.removeprefix(DATASET).removesuffix(_SUFFIX)


def _part_key(part: str) -> str:
    return f"{DATASET}{part}{_SUFFIX}"


def _snapshot_key(dataset_id: str) -> str:
    return f"{LINEAGE_SNAPSHOTS}{dataset_id}{_RECORD}"
