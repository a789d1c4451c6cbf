"""Reading of S3 objects, whole or with an error.

An interrupted connection looks like a complete one, so each body is checked against the object's
length and its checksum: the one that S3 sends, or the ETag if that is the MD5 of the body
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html). A body that differs is read again
from its beginning. A multipart object may have no checksum of the whole: then its length alone is
checked.
"""

import base64
import hashlib
import io
import logging
import random
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from housing.errors import (
    ObjectDeniedError,
    ObjectError,
    ObjectMissingError,
    ObjectTooLargeError,
    ObjectUnavailableError,
)
from housing.s3.client import Failure, failure_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_BYTES = 128 << 20
"""Default limit, above any object that fits into a function's memory."""
_TRIES = 4
_PAUSE_SECONDS = 0.05  # after the first try; doubled after each other
_PIECE_BYTES = 1 << 20
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Body:
    """An object's bytes and metadata."""

    content: bytes
    etag: str
    written_at: datetime
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SavedBody:
    """The metadata of an object whose bytes are in a file."""

    size_bytes: int
    etag: str
    written_at: datetime
    metadata: Mapping[str, str]


class _Digest(Protocol):
    def update(self, piece: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _BrokenBodyError(Exception):
    """Raised when a try fails and the next one may succeed."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The object to read, and its limits."""

    bucket: str
    key: str
    version_id: str | None
    etag: str | None
    most_bytes: int

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def fields(self) -> dict[str, Any]:
        version = {"VersionId": self.version_id} if self.version_id else {}
        return {"Bucket": self.bucket, "Key": self.key, **version}


def read_body(
    s3: "S3Client",
    bucket: str,
    key: str,
    *,
    version_id: str | None = None,
    most_bytes: int | None = None,
) -> Body:
    """Read an object whole into memory.

    Args:
        s3: Client of the object store.
        bucket: The bucket's name.
        key: The object's key.
        version_id: Its version; by default the newest.
        most_bytes: Limit on its size; by default ``MOST_BYTES``.

    Raises:
        ObjectMissingError: There is no such object.
        ObjectDeniedError: Access is denied, or it is missing and the bucket may not be listed.
        ObjectTooLargeError: It is over the limit.
        ObjectUnavailableError: S3 is unavailable, or sent incomplete bodies in several tries.
        ObjectError: S3 rejects the request for another reason.
    """
    memory = io.BytesIO()
    limit = MOST_BYTES if most_bytes is None else most_bytes
    answer = _fetch(s3, _Wanted(bucket, key, version_id, None, limit), memory)
    return Body(memory.getvalue(), answer["ETag"], answer["LastModified"], _metadata(answer))


def save_body(  # noqa: PLR0913 - the object, the file, and a limit
    s3: "S3Client",
    bucket: str,
    key: str,
    path: Path,
    *,
    version_id: str | None = None,
    etag: str | None = None,
    most_bytes: int,
) -> SavedBody:
    """Write an object whole to a file.

    Args:
        s3: Client of the object store.
        bucket: The bucket's name.
        key: The object's key.
        path: The file; it is overwritten.
        version_id: The object's version; by default the newest.
        etag: Its ETag, without quotes; an object with another one counts as missing.
        most_bytes: Limit on its size.

    Raises:
        ObjectMissingError: There is no such object, or it has another ETag.
        ObjectDeniedError: As ``read_body``; so are the others.
        ObjectTooLargeError: See there.
        ObjectUnavailableError: See there.
        ObjectError: See there.
        OSError: The file cannot be written. After any error there is no file.
    """
    try:
        with path.open("wb") as file:
            answer = _fetch(s3, _Wanted(bucket, key, version_id, etag, most_bytes), file)
            size_bytes = file.tell()
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return SavedBody(size_bytes, answer["ETag"], answer["LastModified"], _metadata(answer))


def _fetch(s3: "S3Client", wanted: _Wanted, file: BinaryIO) -> Mapping[str, Any]:
    """Write the body to a file, from its beginning in each try; return the response."""
    tries = 1
    while True:
        try:
            return _fetch_once(s3, wanted, file)
        except _BrokenBodyError as exc:
            if tries == _TRIES:
                msg = f"{wanted} cannot be read: {exc}"
                raise ObjectUnavailableError(msg) from exc.__cause__
            _LOG.warning("body_read_again", extra={"object": str(wanted), "error": str(exc)})
        pause = _PAUSE_SECONDS * 2 ** (tries - 1)
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter between processes
        tries += 1


def _fetch_once(s3: "S3Client", wanted: _Wanted, file: BinaryIO) -> Mapping[str, Any]:
    answer = _answer(s3, wanted)
    file.seek(0)
    file.truncate()
    with closing(answer["Body"]):
        if wanted.etag is not None and answer["ETag"].strip('"') != wanted.etag:
            msg = f"{wanted} has another ETag than {wanted.etag}"
            raise ObjectMissingError(msg)
        length: int | None = answer.get("ContentLength")
        _bound(length or 0, wanted)
        digest, checksum = _expected(answer)
        for piece in _pieces(answer["Body"]):
            file.write(piece)
            digest.update(piece)
            _bound(file.tell(), wanted)
    if length is not None and file.tell() != length:
        msg = f"{file.tell():,} of {length:,} bytes were received"
        raise _BrokenBodyError(msg)
    if length is None and checksum is None:
        msg = "the response has neither a length nor a checksum"
        raise _BrokenBodyError(msg)
    if checksum is not None and digest.digest() != checksum:
        msg = f"the checksum of its {file.tell():,} bytes differs from the object's"
        raise _BrokenBodyError(msg)
    return answer


def _answer(s3: "S3Client", wanted: _Wanted) -> Mapping[str, Any]:
    try:
        answer: Mapping[str, Any] = s3.get_object(**wanted.fields())
    except TypeError as exc:  # boto3 1.44, for an error with a checksum header
        raise _BrokenBodyError(str(exc)) from exc
    except Exception as exc:
        failure = failure_of(exc)
        if failure in {Failure.PASSING, Failure.CONFLICT}:  # reads never conflict
            raise _BrokenBodyError(str(exc)) from exc
        kinds: dict[Failure, type[ObjectError]] = {
            Failure.MISSING: ObjectMissingError,
            Failure.DENIED: ObjectDeniedError,
            Failure.TIMED_OUT: ObjectUnavailableError,
        }
        msg = f"{wanted} cannot be read: {exc}"
        raise kinds.get(failure, ObjectError)(msg) from exc
    return answer


def _pieces(body: Any) -> Iterator[bytes]:
    while True:
        try:
            piece: bytes = body.read(_PIECE_BYTES)
        except Exception as exc:
            failure_of(exc)  # raises errors of others than boto3
            raise _BrokenBodyError(str(exc)) from exc
        if not piece:
            return
        yield piece


def _bound(size_bytes: int, wanted: _Wanted) -> None:
    if size_bytes > wanted.most_bytes:
        msg = f"{wanted} has over {wanted.most_bytes:,} bytes"
        raise ObjectTooLargeError(msg, size_bytes=size_bytes)


class _Crc32:
    """CRC-32 with the interface of hashlib."""

    def __init__(self) -> None:
        self._sum = 0

    def update(self, piece: bytes, /) -> None:
        self._sum = zlib.crc32(piece, self._sum)

    def digest(self) -> bytes:
        return self._sum.to_bytes(4, "big")


class _Unchecked:
    """Digest of an object without a checksum."""

    def update(self, piece: bytes, /) -> None:
        pass

    def digest(self) -> bytes:
        return b""


def _expected(answer: Mapping[str, Any]) -> tuple[_Digest, bytes | None]:
    """Return the fastest digest that the response has a value for, and the value."""
    makers: dict[str, Callable[[], _Digest]] = {
        "ChecksumCRC32": _Crc32,
        "ChecksumSHA1": lambda: hashlib.sha1(usedforsecurity=False),
        "ChecksumSHA256": hashlib.sha256,
    }
    for name, make in makers.items():
        checksum = answer.get(name, "")
        # A multipart one is a checksum of checksums, and ends with their number.
        if checksum and "-" not in checksum and answer.get("ChecksumType") != "COMPOSITE":
            return make(), base64.b64decode(checksum)
    md5 = _MD5.fullmatch(answer["ETag"])
    if md5 and not _has_other_etag(answer):
        return hashlib.md5(usedforsecurity=False), bytes.fromhex(md5[1])
    return _Unchecked(), None


def _has_other_etag(answer: Mapping[str, Any]) -> bool:
    """Whether the ETag is not the MD5: with keys of KMS or the client, and in One Zone."""
    is_encrypted = str(answer.get("ServerSideEncryption", "")).startswith("aws:kms")
    is_of_client = "SSECustomerAlgorithm" in answer
    return is_encrypted or is_of_client or answer.get("StorageClass") == "EXPRESS_ONEZONE"


def _metadata(answer: Mapping[str, Any]) -> dict[str, str]:
    return dict(answer.get("Metadata", {}))
