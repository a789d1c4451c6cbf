"""Artifacts that lie in S3 itself: an MLflow server run with ``--no-serve-artifacts`` says so."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from housing.errors import (
    ArtifactError,
    ObjectError,
    ObjectUnavailableError,
    RegistryUnavailableError,
)
from housing.s3.client import bounded_s3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3ArtifactReader:
    """The ``ArtifactReader`` of ``s3://`` locations."""

    def __init__(self, client: Callable[[], "S3Client"] = bounded_s3) -> None:
        """Remember how a client is had; it is made by the first call."""
        self._client = client

    def __call__(self, uri: str, path: str) -> bytes:
        """See ``ArtifactReader``; the role needs ``s3:GetObject`` on the location."""
        from housing.s3.bodies import read_body  # noqa: PLC0415 - most registries need it not

        # Not urlsplit: keys may hold what would be a query or a fragment of a URL.
        bucket, _, folder = uri.removeprefix("s3://").partition("/")
        key = f"{folder.strip('/')}/{path}"
        try:
            return read_body(self._client(), bucket, key).content
        except ObjectUnavailableError as exc:
            raise RegistryUnavailableError(str(exc)) from exc
        except ObjectError as exc:
            raise ArtifactError(str(exc)) from exc
