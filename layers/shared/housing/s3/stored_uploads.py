"""The uploads in the bucket: every version of every object, as its event names it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from housing.s3.layout import NEW_DATA, is_upload, job_id

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_NO_VERSION = "null"  # S3's version id of an object of a bucket without versions


class Place(NamedTuple):
    """A place in the list of versions: after a version of a key."""

    key: str
    version: str


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """One version of an upload, with a version id, or an ETag without quotes."""

    bucket: str
    key: str
    version_id: str | None
    etag: str | None
    uploaded_at: datetime
    """Time of the object; of a multipart upload, its beginning."""

    @property
    def version(self) -> str:
        """The version id or the ETag."""
        return self.version_id or self.etag or ""

    @property
    def job_id(self) -> str:
        """The id of its job, as of its event."""
        return job_id(bucket=self.bucket, key=self.key, version=self.version)

    @property
    def place(self) -> Place:
        """The place after it."""
        return Place(self.key, self.version_id or _NO_VERSION)


def named_version(version_id: str | None, etag: str | None) -> tuple[str | None, str | None]:
    """Normalize version id and ETag of an object; None for a missing one.

    Args:
        version_id: As S3 gives it: ``null`` or missing in a bucket without versions.
        etag: With or without quotes.
    """
    version = None if version_id == _NO_VERSION else version_id
    return version or None, (etag or "").strip('"') or None


def upload_pages(
    s3: "S3Client", bucket: str, *, after: Place | None = None
) -> Iterator[tuple[list[StoredUpload], Place | None]]:
    """Yield the uploads in pages of up to 1,000 versions, with the place after each page.

    Versions are in the order of their keys, the newest of a key first. Delete markers, and
    objects that are not uploads, are left out. A page is one request, ``ListObjectVersions``:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html

    Args:
        s3: Client of the object store; its role needs ``s3:ListBucketVersions`` on the prefix.
        bucket: The project's bucket.
        after: Place to start from; by default the beginning.
    """
    while True:
        marker: dict[str, Any] = {}
        if after:
            marker = {"KeyMarker": after.key, "VersionIdMarker": after.version}
        page = s3.list_object_versions(Bucket=bucket, Prefix=NEW_DATA, **marker)
        after = None
        if page.get("IsTruncated"):
            after = Place(page["NextKeyMarker"], page.get("NextVersionIdMarker") or _NO_VERSION)
        versions = (_upload(bucket, entry) for entry in page.get("Versions", []))
        yield [upload for upload in versions if is_upload(upload.key)], after
        if after is None:
            return


def _upload(bucket: str, entry: Mapping[str, Any]) -> StoredUpload:
    version_id, etag = named_version(entry.get("VersionId"), entry.get("ETag"))
    return StoredUpload(bucket, entry["Key"], version_id, etag, entry["LastModified"])
