"""Model files that an MLflow server keeps in S3 and does not serve (``--no-serve-artifacts``)."""

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
    """The ``ArtifactReader`` of ``s3://`` locations; its role needs ``s3:GetObject`` on them."""

    def __init__(self, client: Callable[[], "S3Client"] = bounded_s3) -> None:
        self._client = client

    def __call__(self, uri: str, path: str) -> bytes:
        """Return a file of a location."""
        from housing.s3.bodies import read_body  # noqa: PLC0415 - needed for few registries

        # Not urlsplit: keys may hold ? and #.
        bucket, _, folder = uri.removeprefix("s3://").partition("/")
        key = f"{folder.strip('/')}/{path}"
        try:
            return read_body(self._client(), bucket, key).content
        except ObjectUnavailableError as exc:
            raise RegistryUnavailableError(str(exc)) from exc
        except ObjectError as exc:
            raise ArtifactError(str(exc)) from exc
