"""Reading whole objects from S3, with its many errors told as one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from housing.errors import ObjectError
from housing.s3.bounded import bounded_s3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_BYTES = 128 << 20
"""More is no model, nor anything else here, that a function could hold in memory."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object's bytes, and when they were written."""

    content: bytes
    written_at: datetime


def read_object(
    bucket: str, key: str, *, client: Callable[[], "S3Client"] = bounded_s3
) -> StoredObject:
    """Read an object whole.

    Args:
        bucket: The bucket's name.
        key: The object's key.
        client: Makes or returns the client; it is called now, not before.

    Raises:
        ObjectError: It is missing, not to be read or too large, or S3 cannot be reached in time.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow to import

    try:
        found = client().get_object(Bucket=bucket, Key=key)
        if found["ContentLength"] > MOST_BYTES:
            found["Body"].close()
            msg = f"s3://{bucket}/{key} has over {MOST_BYTES:,} bytes"
            raise ObjectError(msg)
        return StoredObject(found["Body"].read(), found["LastModified"])
    except (BotoCoreError, ClientError) as exc:
        msg = f"s3://{bucket}/{key} cannot be read: {exc}"
        raise ObjectError(msg) from exc
