"""The data set: parts that are only ever added, and the snapshot of all of them.

A part is named by its content and its rows by theirs, so that the snapshot depends on which rows
were accepted, never on how often, in which order or in which file they came.
"""

import hashlib
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
from botocore.exceptions import ClientError

from housing.s3.layout import DATA_SOURCE_METADATA, DATASET
from housing.schema import CANONICAL_HEADER
from retrain.training.dataset.part_file import PartFile, write_part
from retrain.training.dataset.row_hash import Hashes
from retrain.training.dataset.rows import Values, are_among, distinct
from retrain.training.errors import DatasetError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LOG = logging.getLogger(__name__)
_JOB_METADATA = "job-id"
_SUFFIX = ".parquet"


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one upload, as they were added."""

    key: str
    rows: Values
    source: str
    job_id: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every distinct row of the data set, in the order of the hashes."""

    rows: Values
    hashes: Hashes
    dataset_id: str
    data_source: str

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)


class Dataset:
    """The parts under ``dataset/``."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        """Use an S3 client on one bucket."""
        self._s3 = s3
        self._bucket = bucket

    def add(self, values: Values, *, source: str, job_id: str) -> str:
        """Add rows that are in memory; see ``add_file``."""
        with TemporaryDirectory(prefix="housing-part-") as folder:
            part = write_part(Path(folder, "part"), [distinct(values)[0]])
            return self.add_file(part, source=source, job_id=job_id)

    def add_file(self, part: PartFile, *, source: str, job_id: str) -> str:
        """Add accepted rows as a part, unless there is one of the same rows; return its key."""
        key = f"{DATASET}{part.digest}{_SUFFIX}"
        try:
            with part.path.open("rb") as body:
                self._s3.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=body,
                    IfNoneMatch="*",
                    Metadata={DATA_SOURCE_METADATA: source, _JOB_METADATA: job_id},
                )
        except ClientError as exc:
            if exc.response["Error"]["Code"] not in ("PreconditionFailed", "412"):
                raise
            _LOG.info("dataset_part_known", extra={"key": key})
        return key

    def parts(self) -> list[Part]:
        """Read every part.

        Raises:
            DatasetError: One cannot be read.
        """
        return [self._part(key) for key in self._keys()]

    def _keys(self) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=DATASET):
            yield from (
                found["Key"] for found in page.get("Contents", []) if found["Key"].endswith(_SUFFIX)
            )

    def _part(self, key: str) -> Part:
        answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        try:
            table = pd.read_parquet(io.BytesIO(answer["Body"].read()))
            values = table[list(CANONICAL_HEADER)].to_numpy(dtype=np.float64)
        except (pa.ArrowException, KeyError, ValueError) as exc:
            msg = f"{key} is no table of {', '.join(CANONICAL_HEADER)}"
            raise DatasetError(msg) from exc
        metadata = answer["Metadata"]
        source = metadata.get(DATA_SOURCE_METADATA, "unknown")
        return Part(key, values, source, metadata.get(_JOB_METADATA, ""))


def snapshot_of(parts: list[Part]) -> Snapshot:
    """Put parts together; its id is the SHA-256 over the sorted hashes of its rows."""
    values, hashes = distinct(np.concatenate([part.rows for part in parts]))
    dataset_id = hashlib.sha256(hashes.astype(">u8").tobytes()).hexdigest()
    return Snapshot(values, hashes, dataset_id, "+".join(sorted({part.source for part in parts})))


def new_and_before(parts: list[Part], *, key: str, job_id: str) -> tuple[Values, Values]:
    """Return the rows of the part under a key that no part of another job held, and what those did.

    Each row is returned once.
    """
    own = next(part for part in parts if part.key == key)
    others = [part.rows for part in parts if part.key != key or part.job_id != job_id]
    rows, hashes = distinct(own.rows)
    if not others:
        return rows, rows[:0]
    before, known = distinct(np.concatenate(others))
    return rows[~are_among(hashes, known)], before
