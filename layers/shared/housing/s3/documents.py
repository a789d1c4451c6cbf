"""Documents that several processes write: each write is conditional, and survives the network.

An answer of 412 or 409 alone does not say that another was faster: boto3 sends a request again
whose answer was lost, and the second one meets the first. So the object itself decides who wrote
it: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
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
"""No try begins later than this after the first: a client that waits long for answers tries
several times by itself, and a function has an end."""

Document = Body


@dataclass(frozen=True, slots=True)
class Listed:
    """A key, and when its object was written."""

    key: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class _Standing:
    """What stands under a key after a write that failed: our content, another's, or no change."""

    etag: str | None = None
    """Of our content; None where it does not stand."""
    is_unchanged: bool = False


class Documents:
    """The objects of one bucket, as documents."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        """Use an S3 client on one bucket."""
        self._s3 = s3
        self._bucket = bucket

    def read(self, key: str) -> Document | None:
        """Return a document, or None where there is none.

        Raises:
            ObjectDeniedError: It may not be read, or is missing and the bucket may not be listed.
            ObjectError: S3 is out of reach, refuses, or sent no whole body.
        """
        try:
            return read_body(self._s3, self._bucket, key)
        except ObjectMissingError:
            return None

    def listed(self, prefix: str, *, most: int | None = None) -> list[Listed]:
        """Return what lies under a prefix, in the order of the keys.

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
        """Yield what lies under a prefix and after a key, in pages of up to 1,000.

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
        """Return what is kept beside a document, without reading it.

        Raises:
            ObjectError: As in ``read``; also where there is none.
        """

        def ask() -> Mapping[str, str]:
            return self._s3.head_object(Bucket=self._bucket, Key=key)["Metadata"]

        return self._repeat(ask, f"s3://{self._bucket}/{key} cannot be read")

    def create(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str = JSON,
        metadata: Mapping[str, str] | None = None,
    ) -> str | None:
        """Write a document where there is none.

        Args:
            key: The document's key.
            content: What it says. Two writers whose contents are equal both succeed; where only
                one may, each puts something of its own in, such as a nonce.
            content_type: Its media type.
            metadata: Kept beside it.

        Returns:
            The ETag if this content stands, None if another does.

        Raises:
            ObjectError: S3 is out of reach or refuses the write; the content may stand or not.
        """
        fields = self._fields(key, content_type, metadata) | {"IfNoneMatch": "*"}
        return self._write(
            key,
            lambda: self._s3.put_object(**fields, Body=content),
            lambda: self._standing(key, content, before=None),
        )

    def replace(
        self,
        key: str,
        content: bytes,
        *,
        etag: str,
        content_type: str = JSON,
        metadata: Mapping[str, str] | None = None,
    ) -> str | None:
        """Write a document over the one that was read, and over no other.

        Args:
            key: The document's key.
            content: As in ``create``.
            etag: Of the document that was read, or written before.
            content_type: As in ``create``.
            metadata: The same.

        Returns:
            The ETag if this content stands, None if another does or the document is gone.

        Raises:
            ObjectError: As in ``create``.
        """
        fields = self._fields(key, content_type, metadata) | {"IfMatch": etag}
        return self._write(
            key,
            lambda: self._s3.put_object(**fields, Body=content),
            lambda: self._standing(key, content, before=etag),
        )

    def overwrite(self, key: str, content: bytes, *, content_type: str = JSON) -> str:
        """Write a document over any other, and return its ETag.

        Raises:
            ObjectError: As in ``create``.
        """
        fields = self._fields(key, content_type, None)
        etag = self._write(
            key,
            lambda: self._s3.put_object(**fields, Body=content),
            lambda: _Standing(is_unchanged=True),  # the same once more does no harm
        )
        return str(etag)

    def upload(self, key: str, path: Path, *, content_type: str) -> None:
        """Write a file over any other object; a large one goes in several parts.

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
        """Write a file under a key that its content determines; one that is there stays.

        Returns:
            Whether it was written; one that another try of this call wrote counts as there.

        Raises:
            ObjectError: As in ``create``.
            OSError: The file cannot be read.
        """
        fields = self._fields(key, "application/octet-stream", metadata) | {"IfNoneMatch": "*"}

        def send() -> Any:
            with path.open("rb") as body:
                return self._s3.put_object(**fields, Body=body)

        return self._write(key, send, lambda: self._presence(key)) is not None

    def _fields(
        self, key: str, content_type: str, metadata: Mapping[str, str] | None
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
        """Send a write until it is known who won; return the ETag if it is this one."""

        def settle() -> _Standing | None:
            standing = look()
            return None if standing.is_unchanged else standing

        what = f"s3://{self._bucket}/{key} cannot be written"
        return self._repeat(lambda: _Standing(str(send()["ETag"])), what, settle).etag

    def _repeat(
        self, call: Callable[[], T], what: str, settle: Callable[[], T | None] | None = None
    ) -> T:
        """Make a call until it succeeds, or is settled by a look after it failed."""
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
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - many write, not in step
            tries += 1

    def _standing(self, key: str, content: bytes, *, before: str | None) -> _Standing:
        """Return what a write that failed has left; ``before`` is the ETag that it was to meet."""
        try:
            document = self.read(key)
        except ObjectDeniedError:  # perhaps missing: the next try of the write shows it
            return _Standing(is_unchanged=True)
        if document and document.content == content:
            return _Standing(document.etag)
        return _Standing(is_unchanged=(document.etag if document else None) == before)

    def _presence(self, key: str) -> _Standing:
        """Return whether there is an object, whoever wrote it."""
        return _Standing(is_unchanged=key not in {one.key for one in self.listed(key, most=1)})
