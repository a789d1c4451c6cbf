"""Documents that several processes write, with conditional writes and retries.

A response of 412 or 409 does not prove that another writer was faster: boto3 repeats a request
whose response was lost, and the second try meets the first. So the object's content decides who
wrote it: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from housing.errors import (
    ObjectDeniedError,
    ObjectError,
    ObjectMissingError,
    ObjectUnavailableError,
)
from housing.s3.bodies import Body, read_body
from housing.s3.client import Failure, failure_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")
JSON = "application/json"
_TRIES = 6
_PAUSE_SECONDS = 0.05  # after the first try; doubled after each other
_TRY_WITHIN_SECONDS = 5.0
"""The last try begins within this time: a client with long timeouts retries by itself, and a
function has a time limit."""

Document = Body


@dataclass(frozen=True, slots=True)
class Listed:
    """A key and the time of its object."""

    key: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class _Standing:
    """State of a key after a failed write: our content, another's, or no change."""

    etag: str | None = None
    """ETag of our content; None if it is not there."""
    is_unchanged: bool = False


class Documents:
    """The documents of one bucket."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def read(self, key: str) -> Document | None:
        """Return a document, or None.

        Raises:
            ObjectDeniedError: Access is denied, or it is missing and the bucket may not be listed.
            ObjectError: S3 is unavailable, rejects the request, or sent incomplete bodies.
        """
        try:
            return read_body(self._s3, self._bucket, key)
        except ObjectMissingError:
            return None

    def find(self, key: str) -> Document | None:
        """Return a document, or None, also for a role that may list only some prefixes.

        For a missing object S3 answers such a role 403; a listing then decides.

        Raises:
            ObjectError: As in ``read``.
        """
        try:
            return self.read(key)
        except ObjectDeniedError:
            if self._is_listed(key):
                raise
            return None

    def listed(self, prefix: str, *, most: int | None = None) -> list[Listed]:
        """Return the keys under a prefix, in order.

        Raises:
            ObjectError: As in ``read``.
        """

        def ask() -> list[Listed]:
            paginator = self._s3.get_paginator("list_objects_v2")
            bound: Any = {"MaxItems": most}
            pages = paginator.paginate(Bucket=self._bucket, Prefix=prefix, PaginationConfig=bound)
            return [
                Listed(entry["Key"], entry["LastModified"])
                for page in pages
                for entry in page.get("Contents", [])
            ]

        return self._repeat(ask, f"s3://{self._bucket}/{prefix} cannot be listed")

    def pages(self, prefix: str, *, after: str = "") -> Iterator[list[Listed]]:
        """Yield the keys under a prefix and after a key, in pages of up to 1,000.

        Raises:
            ObjectError: As in ``read``.
        """

        def ask(start: str) -> tuple[list[Listed], bool]:
            place = {"StartAfter": start} if start else {}
            page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix, **place)  # type: ignore[arg-type]
            entries = page.get("Contents", [])
            return [Listed(one["Key"], one["LastModified"]) for one in entries], page["IsTruncated"]

        is_more = True
        while is_more:
            listed, is_more = self._repeat(
                partial(ask, after), f"s3://{self._bucket}/{prefix} cannot be listed"
            )
            yield listed
            after = listed[-1].key if listed else after

    def metadata(self, key: str) -> Mapping[str, str]:
        """Return a document's metadata.

        Raises:
            ObjectError: As in ``read``, or the document is missing.
        """

        def ask() -> Mapping[str, str]:
            return self._s3.head_object(Bucket=self._bucket, Key=key)["Metadata"]

        return self._repeat(ask, f"s3://{self._bucket}/{key} cannot be read")

    def create(self, key: str, content: bytes) -> str | None:
        """Create a document.

        Args:
            key: The document's key.
            content: Its content. Two writers of equal contents both succeed; add a nonce if only
                one may.

        Returns:
            The ETag if this content was written, None if another is there.

        Raises:
            ObjectError: S3 is unavailable or rejects the write; the content may be written or not.
        """
        return self.replace(key, content, etag=None)

    def replace(self, key: str, content: bytes, *, etag: str | None) -> str | None:
        """Replace the document that was read, and no other.

        Args:
            key: The document's key.
            content: As in ``create``.
            etag: ETag of the document that was read or written before; None if there was none.

        Returns:
            The ETag if this content was written, None if the document has changed.

        Raises:
            ObjectError: As in ``create``.
        """
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        fields = self._fields(key, JSON) | condition
        return self._write(
            key,
            lambda: self._s3.put_object(**fields, Body=content),
            lambda: self._standing(key, content, before=etag),
        )

    def overwrite(self, key: str, content: bytes, *, content_type: str = JSON) -> str:
        """Overwrite a document, and return its ETag.

        Raises:
            ObjectError: As in ``create``.
        """
        fields = self._fields(key, content_type)
        etag = self._write(
            key,
            lambda: self._s3.put_object(**fields, Body=content),
            lambda: _Standing(is_unchanged=True),  # idempotent
        )
        return str(etag)

    def upload(self, key: str, path: Path, *, content_type: str) -> None:
        """Upload a file over any other object; a large one in several parts.

        Raises:
            ObjectError: As in ``create``.
            OSError: The file cannot be read.
        """
        extra = {"ContentType": content_type}
        self._repeat(
            lambda: self._s3.upload_file(str(path), self._bucket, key, ExtraArgs=extra),
            f"s3://{self._bucket}/{key} cannot be written",
        )

    def keep_file(self, key: str, path: Path, *, metadata: Mapping[str, str]) -> bool:
        """Upload a file under a key that its content determines, unless it exists.

        Returns:
            Whether it was written; a lost try of this call may count as existing.

        Raises:
            ObjectError: As in ``create``.
            OSError: The file cannot be read.
        """
        fields = self._fields(key, "application/octet-stream", metadata) | {"IfNoneMatch": "*"}

        def send() -> Any:
            with path.open("rb") as body:
                return self._s3.put_object(**fields, Body=body)

        def look() -> _Standing:
            return _Standing(is_unchanged=not self._is_listed(key))

        return self._write(key, send, look) is not None

    def _fields(
        self, key: str, content_type: str, metadata: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        return {
            "Bucket": self._bucket,
            "Key": key,
            "ContentType": content_type,
            "Metadata": dict(metadata or {}),
        }

    def _write(
        self, key: str, send: Callable[[], Any], look: Callable[[], _Standing]
    ) -> str | None:
        """Send a write until its outcome is known; return the ETag if it was written."""

        def settle() -> _Standing | None:
            standing = look()
            return None if standing.is_unchanged else standing

        what = f"s3://{self._bucket}/{key} cannot be written"
        return self._repeat(lambda: _Standing(str(send()["ETag"])), what, settle).etag

    def _repeat(
        self, call: Callable[[], T], what: str, settle: Callable[[], T | None] | None = None
    ) -> T:
        """Repeat a call until it succeeds, or ``settle`` returns a result after a failure."""
        began = time.monotonic()
        tries = 1
        while True:
            try:
                return call()
            except Exception as exc:
                msg = f"{what}: {exc}"
                failure = failure_of(exc)
                if failure in {Failure.LASTING, Failure.DENIED}:
                    raise ObjectError(msg) from exc
                if failure == Failure.MISSING and settle is None:
                    raise ObjectMissingError(msg) from exc
                settled = settle() if settle else None
                if settled is not None:
                    return settled
                if tries == _TRIES or time.monotonic() - began > _TRY_WITHIN_SECONDS:
                    raise ObjectUnavailableError(msg) from exc
            pause = _PAUSE_SECONDS * 2 ** (tries - 1)
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter between processes
            tries += 1

    def _standing(self, key: str, content: bytes, *, before: str | None) -> _Standing:
        """Return the state after a failed write; ``before`` is the ETag that it expected."""
        try:
            document = self.read(key)
        except ObjectDeniedError:  # perhaps missing: the next try shows
            return _Standing(is_unchanged=True)
        if document and document.content == content:
            return _Standing(document.etag)
        return _Standing(is_unchanged=(document.etag if document else None) == before)

    def _is_listed(self, key: str) -> bool:
        return key in {one.key for one in self.listed(key, most=1)}
