"""A lease in the bucket: mutual exclusion by conditional writes.

An object names the holder and the expiry. It is written only over the one that was read
(``If-Match``) or over none (``If-None-Match``), so that of many writers one succeeds:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from housing.errors import LeaseError, ObjectDeniedError, ObjectError, ObjectUnavailableError
from housing.s3.documents import Documents

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_FIRST_POLL_SECONDS = 0.2
_LONGEST_POLL_SECONDS = 3.0
_UNKNOWN = "unknown"
_NEVER = datetime.min.replace(tzinfo=UTC)
_LOG = logging.getLogger(__name__)


class _Holding(BaseModel):
    holder: str
    expires_at: datetime
    nonce: str  # names the lease, and makes each write another object


class Lease:
    """A lease on a key."""

    def __init__(  # noqa: PLR0913 - clock and sleep are replaced in tests
        self,
        s3: "S3Client",
        bucket: str,
        key: str,
        *,
        holder: str,
        seconds: float,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Set the lease; ``held`` takes it.

        Args:
            s3: Client of the object store.
            bucket: The project's bucket.
            key: Key of the lease.
            holder: Name of the holder for waiting processes, such as `job 1f2e`.
            seconds: Time for which it holds without renewal.
            clock: Returns the time.
            sleep: Waits between two tries.
        """
        self._documents = Documents(s3, bucket)
        self._key = key
        self._owner = uuid.uuid4().hex
        self._holder = holder
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._etag = ""
        self._expires_at = _NEVER
        self._released = threading.Event()

    @contextmanager
    def held(self, *, wait_seconds: float, on_wait: Callable[[str], None]) -> Iterator[None]:
        """Hold and renew the lease for a block.

        Args:
            wait_seconds: Longest wait for another holder.
            on_wait: Called with the holder after each failed try.

        Raises:
            LeaseError: Another holder kept it for that time.
            ObjectError: The bucket could not be read or written.
        """
        self._acquire(wait_seconds, on_wait)
        keeper = threading.Thread(target=self._keep, name="lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            self._released.set()
            keeper.join()
            self._release()

    def check(self) -> None:
        """Check that the lease still holds.

        Raises:
            LeaseError: It expired, or another process took it.
        """
        if self._clock() >= self._expires_at:
            msg = f"{self._holder} lost its lease: it could not renew it in time"
            raise LeaseError(msg)

    def _acquire(self, wait_seconds: float, on_wait: Callable[[str], None]) -> None:
        deadline = self._clock() + timedelta(seconds=wait_seconds)
        pause = _FIRST_POLL_SECONDS
        while (holder := self._tried(deadline)) is not None:
            if self._clock() >= deadline:
                msg = f"{holder} held the lease for longer than {wait_seconds:g} s"
                raise LeaseError(msg)
            on_wait(holder)
            self._sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter between processes
            pause = min(1.5 * pause, _LONGEST_POLL_SECONDS)

    def _tried(self, deadline: datetime) -> str | None:
        """Try to take the lease; during an outage, wait as for another holder."""
        try:
            return self._try_to_take()
        except ObjectUnavailableError as exc:
            if self._clock() >= deadline:
                raise
            _LOG.warning("lease_not_read", extra={"error": str(exc)})
            return _UNKNOWN

    def _try_to_take(self) -> str | None:
        """Take the lease if it is free, or return the holder."""
        standing = self._read()
        if standing is None:
            return None if self._write() else _UNKNOWN
        holding, etag = standing
        if holding.expires_at > self._clock() and not self._is_own(holding):
            return holding.holder
        return None if self._write(etag) else holding.holder

    def _keep(self) -> None:
        while not self._released.wait(self._seconds / 4):
            try:
                if not self._write_own():
                    self._expires_at = _NEVER
                    _LOG.error("lease_taken", extra={"holder": self._holder})
                    return
            except ObjectError as exc:
                _LOG.warning("lease_not_renewed", extra={"error": str(exc)})

    def _release(self) -> None:
        """Write the lease as expired; after a failure the next job waits for the expiry."""
        try:
            self._write_own(seconds=0)
        except ObjectError as exc:
            _LOG.warning("lease_not_released", extra={"error": str(exc)})

    def _read(self) -> tuple[_Holding, str] | None:
        try:
            document = self._documents.read(self._key)
        except ObjectDeniedError:  # perhaps missing: a write shows
            return None
        if document is None:
            return None
        try:
            holding = _Holding.model_validate_json(document.content)
        except ValidationError:  # not written here: any process may take it
            holding = _Holding(holder=_UNKNOWN, expires_at=_NEVER, nonce="")
        return holding, document.etag

    def _is_own(self, holding: _Holding) -> bool:
        return holding.nonce.startswith(self._owner)

    def _write_own(self, *, seconds: float | None = None) -> bool:
        """Write the lease over its own last object, and return whether that was there.

        It may differ from the known one: a timed-out write may have reached S3.
        """
        if self._write(self._etag, seconds=seconds):
            return True
        standing = self._read()
        if standing is None or not self._is_own(standing[0]):
            return False
        return self._write(standing[1], seconds=seconds)

    def _write(self, etag: str | None = None, *, seconds: float | None = None) -> bool:
        """Write the lease over an ETag, or create it; return whether it was written."""
        expires_at = self._clock() + timedelta(
            seconds=self._seconds if seconds is None else seconds
        )
        nonce = f"{self._owner}-{uuid.uuid4().hex}"
        holding = _Holding(holder=self._holder, expires_at=expires_at, nonce=nonce)
        content = holding.model_dump_json().encode()
        written = self._documents.replace(self._key, content, etag=etag)
        if written is None:
            return False
        self._etag, self._expires_at = written, expires_at
        return True
