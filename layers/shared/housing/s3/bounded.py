"""An S3 client for code that answers requests: bounded waits, and made only when it is needed.

boto3 takes about 400 ms to import, so it is imported by the first call and not by the module.
"""

from functools import cache
from typing import TYPE_CHECKING

from housing.errors import ObjectError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECT_SECONDS = 1
READ_SECONDS = 2


def close_bounded_s3() -> None:
    """Close the client's idle connections, if there is one; it opens others at need."""
    if bounded_s3.cache_info().currsize:
        bounded_s3().close()


@cache
def bounded_s3() -> "S3Client":
    """Return the process's client: one attempt, 1 s to connect, 2 s between bytes.

    Raises:
        ObjectError: The environment does not say enough for one.
    """
    from boto3.session import Session  # noqa: PLC0415 - see above
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1},
        signature_version="s3v4",
    )
    # A session of its own: the default one must not be used by two threads at once.
    try:
        return Session().client("s3", config=config)
    except BotoCoreError as exc:  # such as no region
        msg = f"no client of S3 can be made: {exc}"
        raise ObjectError(msg) from exc
