"""Fetch an upload to disk, and unpack it as it is read."""

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from housing.errors import ObjectMissingError, ObjectTooLargeError
from housing.s3.bodies import save_body
from housing.s3.layout import DATA_SOURCE_METADATA
from retrain.training.errors import UploadGoneError, UploadRejectedError
from retrain.training.upload.encoding import Readable
from retrain.training.upload.limits import Bounds, Limits

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_DEFAULT_SOURCE = "upload"
_SOURCE_CHARACTERS = 100  # it goes into tags, cards and alerts, joined with those of other uploads
_NOT_IN_A_SOURCE = re.compile(r"[^\w .,:;()/+=-]|:(?=//)|(?<=www)\.", re.ASCII | re.IGNORECASE)
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Fetched:
    """Source and upload time of a fetched upload."""

    source: str
    uploaded_at: datetime


def fetch(  # noqa: PLR0913 - the object, the target and a bound
    s3: "S3Client",
    bucket: str,
    key: str,
    path: Path,
    *,
    version_id: str | None,
    etag: str | None,
    max_bytes: int,
) -> Fetched:
    """Download an object to a file and return its metadata.

    Args:
        s3: S3 client.
        bucket: The bucket's name.
        key: The object's key.
        path: The file.
        version_id: The object's version.
        etag: Its ETag, without quotes, in a bucket without versions.
        max_bytes: Largest size that is fetched.

    Raises:
        UploadGoneError: The object is not there any more.
        UploadRejectedError: It is too large.
        ObjectError: It cannot be downloaded whole.
    """
    try:
        saved = save_body(
            s3, bucket, key, path, version_id=version_id, etag=etag, most_bytes=max_bytes
        )
    except ObjectMissingError as exc:
        msg = f"{key} was deleted or overwritten before this job read it"
        raise UploadGoneError(msg) from exc
    except ObjectTooLargeError as exc:
        msg = f"the file has {exc.size_bytes:,} bytes; {max_bytes:,} is the limit"
        raise UploadRejectedError(msg) from exc
    source = _plain(saved.metadata.get(DATA_SOURCE_METADATA, "")) or _DEFAULT_SOURCE
    return Fetched(source, saved.written_at)


def _plain(source: str) -> str:
    """Return an untrusted source text without addresses and names that viewers link."""
    return _NOT_IN_A_SOURCE.sub("?", source.strip())[:_SOURCE_CHARACTERS]


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[tuple[Readable, Bounds]]:
    """Open a file for reading within its bounds.

    A gzip file is unpacked, whatever its name.
    """
    with path.open("rb") as file:
        is_packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        bounds = limits.bounds(path.stat().st_size, is_packed=is_packed)
        yield _Unpacked(file, bounds) if is_packed else file, bounds


class _Unpacked:
    """Reads a gzip file up to a limit: a few megabytes can unpack to gigabytes."""

    def __init__(self, packed: BinaryIO, bounds: Bounds) -> None:
        self._file = gzip.GzipFile(fileobj=packed, mode="rb")
        self._bounds = bounds
        self._read = 0

    def read(self, size: int, /) -> bytes:
        try:
            piece = self._file.read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
            msg = f"the file cannot be unpacked: {exc}"
            raise UploadRejectedError(msg) from exc
        self._read += len(piece)
        self._bounds.check_bytes(self._read)
        return piece
