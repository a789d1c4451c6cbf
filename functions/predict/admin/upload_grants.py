"""Grants to upload one file: a signed form that a browser posts to the bucket.

The signature covers the form's policy, and S3 checks the policy before it stores anything:
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from housing.errors import UploadNameError
from housing.s3.layout import upload_key, upload_metadata, upload_type
from predict.errors import InvalidFieldsError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SUBSTITUTED = "${"
"""S3 puts the name of the sent file in place of ``${filename}``."""


@dataclass(frozen=True, slots=True)
class UploadGrant:
    """The form's address and fields; the file is its last field, ``file``."""

    url: str
    fields: Mapping[str, str]
    key: str
    expires_at: datetime
    max_bytes: int


@dataclass(frozen=True, slots=True)
class UploadGrants:
    """The use case; signs by itself, and calls nothing.

    Attributes:
        s3: Client whose role may put objects under ``new_data/``, and signs.
        bucket: The project's bucket.
        lasts: Time in which the upload has to begin.
        max_bytes: Size of the largest file.
        now: Returns the time.
    """

    s3: "S3Client"
    bucket: str
    lasts: timedelta
    max_bytes: int
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def grant(self, name: str, source: str) -> UploadGrant:
        """Return a form for one file of this name; no other key, type or source passes with it.

        Args:
            name: Name of the file in the bucket.
            source: Source of its rows, for the registry.

        Raises:
            InvalidFieldsError: The file cannot have that name.
        """
        key = _key(name)
        metadata = {
            f"x-amz-meta-{field}": value for field, value in upload_metadata(source).items()
        }
        fixed = {
            "Content-Type": upload_type(key),
            "success_action_status": str(HTTPStatus.CREATED.value),
            **metadata,
        }
        size: list[Any] = ["content-length-range", 1, self.max_bytes]
        conditions = [size, *({field: value} for field, value in fixed.items())]
        expires_at = self.now() + self.lasts
        form = self.s3.generate_presigned_post(
            self.bucket,
            key,
            Fields=dict(fixed),
            Conditions=conditions,
            ExpiresIn=int(self.lasts.total_seconds()),
        )
        return UploadGrant(form["url"], form["fields"], key, expires_at, self.max_bytes)


def _key(name: str) -> str:
    try:
        key = upload_key(name)
    except UploadNameError as exc:
        raise InvalidFieldsError([{"field": "name", "message": str(exc)}]) from exc
    if _SUBSTITUTED in name:
        message = f"a name with {_SUBSTITUTED} is not taken: S3 would put another in its place"
        raise InvalidFieldsError([{"field": "name", "message": message}])
    return key
