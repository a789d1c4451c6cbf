"""moto's S3 for many threads: each request as a whole, as S3 treats the writes of one key."""

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class AtomicS3:
    """Hands one request at a time on: moto checks a condition and writes in two steps."""

    def __init__(self, s3: "S3Client") -> None:
        self._s3 = s3
        self._turn = threading.Lock()

    def get_object(self, **given: Any) -> Any:
        """Read an object."""
        with self._turn:
            return self._s3.get_object(**given)

    def put_object(self, **given: Any) -> Any:
        """Write an object, on its condition."""
        with self._turn:
            return self._s3.put_object(**given)
