"""An S3 client for code that answers requests, and the kinds of failed calls.

boto3 takes about 400 ms to import, so the first call imports it, and the first failure its errors.
"""

from enum import Enum, auto
from functools import cache
from typing import TYPE_CHECKING

from urllib3.exceptions import HTTPError

from housing.errors import ObjectError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client

CONNECT_SECONDS = 1
READ_SECONDS = 2
# Where a ClientError names no code of S3's, botocore puts the status in its place.
_MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
_DENIED = frozenset({"AccessDenied", "403"})
# 412: the condition did not hold. 409: a concurrent write; S3 asks to try again.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_CONFLICTS = frozenset(
    {"PreconditionFailed", "412", "ConditionalRequestConflict", "OperationAborted", "409"}
)
_BUSY = frozenset(
    {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "TooManyRequests"}
)
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = range(500, 600)


def close_bounded_s3() -> None:
    """Close the client's idle connections, if there is a client; it opens new ones on demand."""
    if bounded_s3.cache_info().currsize:
        bounded_s3().close()


@cache
def bounded_s3() -> "S3Client":
    """Return the process's client: one try, 1 s to connect, 2 s between bytes.

    Raises:
        ObjectError: The environment lacks a setting.
    """
    from boto3.session import Session  # noqa: PLC0415 - slow to import
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1, "mode": "standard"},
        signature_version="s3v4",
    )
    # A session of its own: two threads must not share the default one.
    try:
        return Session().client("s3", config=config)
    except BotoCoreError as exc:  # such as no region
        msg = f"the S3 client cannot be created: {exc}"
        raise ObjectError(msg) from exc


class Failure(Enum):
    """Kind of a failed call."""

    MISSING = auto()
    DENIED = auto()  # also of a missing object, if the bucket may not be listed
    CONFLICT = auto()
    PASSING = auto()  # no or a broken response, or a busy server: the call may have worked
    TIMED_OUT = auto()  # the same, after the client's timeout
    LASTING = auto()


def failure_of(exc: Exception) -> Failure:
    """Return the kind of boto3's error; raise any other error."""
    from boto3.exceptions import S3UploadFailedError  # noqa: PLC0415 - slow to import
    from botocore.exceptions import (  # noqa: PLC0415 - slow to import
        BotoCoreError,
        ClientError,
        ConnectionError,  # noqa: A004 - botocore's own name
        ConnectTimeoutError,
        HTTPClientError,
        ReadTimeoutError,
    )
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - slow to import

    match exc:
        case ClientError():
            return _refusal(exc)
        case ConnectTimeoutError() | ReadTimeoutError():
            return Failure.TIMED_OUT
        # urllib3's own errors: an error response with an incomplete body.
        case ConnectionError() | HTTPClientError() | ResponseParserError() | HTTPError():
            return Failure.PASSING
        case S3UploadFailedError(__context__=ClientError() as refusal):
            return _refusal(refusal)
        case BotoCoreError() | S3UploadFailedError():
            return Failure.LASTING
    raise exc


def _refusal(exc: "ClientError") -> Failure:
    code = exc.response["Error"].get("Code", "")
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _CONFLICTS:
        return Failure.CONFLICT
    if code in _MISSING:
        return Failure.MISSING
    if code in _DENIED:
        return Failure.DENIED
    if code in _BUSY or status == _TOO_MANY_REQUESTS or status in _SERVER_ERRORS:
        return Failure.PASSING
    return Failure.LASTING
