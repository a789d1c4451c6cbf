"""The uploads that lie in the bucket: every version of every object, as its event names it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from housing.s3.layout import NEW_DATA, is_upload, job_id

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_NO_VERSION = "null"  # S3's version id of an object of a bucket without versions


class Place(NamedTuple):
    """A place in the list of versions: that after a version of a key."""

    key: str
    version: str


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """One version of an upload; it has a version id, or an ETag without quotes."""

    bucket: str
    key: str
    version_id: str | None
    etag: str | None
    uploaded_at: datetime
    """When it was written; of a multipart upload, when that began."""

    @property
    def version(self) -> str:
        """What tells this upload from others under the same key."""
        return self.version_id or self.etag or ""

    @property
    def job_id(self) -> str:
        """The name of its job, the same as by its event."""
        return job_id(bucket=self.bucket, key=self.key, version=self.version)

    @property
    def place(self) -> Place:
        """The place after it."""
        return Place(self.key, self.version_id or _NO_VERSION)


def named_version(version_id: str | None, etag: str | None) -> tuple[str | None, str | None]:
    """Return version id and ETag of an object as its job knows them; None for what is not there.

    Args:
        version_id: As S3 gives it: ``null`` or nothing in a bucket without versions.
        etag: The same, in quotes or not.
    """
    version = None if version_id == _NO_VERSION else version_id
    return version or None, (etag or "").strip('"') or None


def upload_pages(
    s3: "S3Client", bucket: str, *, after: Place | None = None
) -> Iterator[tuple[list[StoredUpload], Place | None]]:
    """Yield the uploads, a page of up to 1,000 versions each time, and the place after the page.

    Versions come in the order of their keys, the newest of a key first. Delete markers, and
    objects that no job reads, are left out. A page is one request, ``ListObjectVersions``:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html

    Args:
        s3: Client of the object store; its role needs ``s3:ListBucketVersions`` on the prefix.
        bucket: The project's bucket.
        after: Where to go on; None for the beginning.
    """
    while True:
        marker: dict[str, Any] = {}
        if after:
            marker = {"KeyMarker": after.key, "VersionIdMarker": after.version}
        found = s3.list_object_versions(Bucket=bucket, Prefix=NEW_DATA, **marker)
        after = None
        if found.get("IsTruncated"):
            after = Place(found["NextKeyMarker"], found.get("NextVersionIdMarker") or _NO_VERSION)
        versions = (_upload(bucket, entry) for entry in found.get("Versions", []))
        yield [upload for upload in versions if is_upload(upload.key)], after
        if after is None:
            return


def _upload(bucket: str, entry: Mapping[str, Any]) -> StoredUpload:
    version_id, etag = named_version(entry.get("VersionId"), entry.get("ETag"))
    return StoredUpload(bucket, entry["Key"], version_id, etag, entry["LastModified"])
