"""Listening for what the object store answers to an upload."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_COMPLETED_BY = ("s3.PutObject", "s3.CompleteMultipartUpload")
_OURS = "housing_cli.ours"


@contextmanager
def answers_to_uploads(s3: "S3Client", bucket: str, key: str) -> Iterator[list[dict[str, Any]]]:
    """Collect the store's answers to uploads of a key, which boto3's transfer keeps to itself.

    Events: https://boto3.amazonaws.com/v1/documentation/api/latest/guide/events.html
    """
    answers: list[dict[str, Any]] = []

    def mark(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_OURS] = (params["Bucket"], params["Key"]) == (bucket, key)

    def remember(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        if context.get(_OURS):
            answers.append(parsed)

    events = s3.meta.events
    for operation in _COMPLETED_BY:
        events.register(f"before-parameter-build.{operation}", mark)
        events.register(f"after-call.{operation}", remember)
    try:
        yield answers
    finally:
        for operation in _COMPLETED_BY:
            events.unregister(f"before-parameter-build.{operation}", mark)
            events.unregister(f"after-call.{operation}", remember)
