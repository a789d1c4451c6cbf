"""Upload a CSV to the bucket as new data for training."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from boto3.s3.transfer import TransferConfig

from housing.errors import UploadNameError
from housing.s3.layout import job_id, upload_key, upload_metadata, upload_type
from housing.s3.stored_uploads import named_version
from housing_cli.errors import DataFileError
from housing_cli.user_file import reading

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ONE_PUT_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded object, and the id of its job."""

    key: str
    version: str
    job_id: str
    bytes: int


def upload_file(  # noqa: PLR0913 - the last three are optional and keyword-only
    s3: "S3Client",
    bucket: str,
    path: Path,
    *,
    name: str | None = None,
    source: str = "upload",
    on_bytes: Callable[[int], None] | None = None,
) -> Upload:
    """Upload a CSV to ``new_data/``.

    The version is read from the response to the upload, so that it is right even if the object is
    overwritten at once.

    Args:
        s3: Client of the object store.
        bucket: The project's bucket.
        path: The file.
        name: Its name in the bucket; by default the file's own.
        source: The source of the rows, for the registry; non-ASCII becomes ``?``.
        on_bytes: Called with the number of bytes after each part that was sent.

    Raises:
        DataFileError: The file cannot be read, or its name starts no job.
    """
    key = _key(path.name if name is None else name)
    with _opened(path) as body, answers_to_uploads(s3, bucket, key) as answers:
        s3.upload_fileobj(
            body,
            bucket,
            key,
            ExtraArgs={
                "ContentType": upload_type(key),
                "Metadata": upload_metadata(source),
            },
            Callback=on_bytes,
            Config=TransferConfig(multipart_threshold=ONE_PUT_BYTES),
        )
        size = path.stat().st_size
    version = _version(answers[0])
    return Upload(key, version, job_id(bucket=bucket, key=key, version=version), size)


def _key(name: str) -> str:
    try:
        return upload_key(name)
    except UploadNameError as exc:
        msg = f"{exc}; set --name"
        raise DataFileError(msg) from exc


def readable_size(path: Path) -> int:
    """Return the file's size in bytes.

    Raises:
        DataFileError: It cannot be read.
    """
    with _opened(path):
        return path.stat().st_size


def _opened(path: Path) -> BinaryIO:
    with reading(path):
        return path.open("rb")


def _version(answer: dict[str, Any]) -> str:
    version_id, etag = named_version(answer.get("VersionId"), answer["ETag"])
    return str(version_id or etag)


_COMPLETED_BY = ("s3.PutObject", "s3.CompleteMultipartUpload")
_OURS = "housing_cli.ours"


@contextmanager
def answers_to_uploads(s3: "S3Client", bucket: str, key: str) -> Iterator[list[dict[str, Any]]]:
    """Collect the responses to uploads of a key, which boto3's transfer does not return.

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
