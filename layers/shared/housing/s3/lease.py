"""One at a time: a lease in the bucket, taken and kept by conditional writes.

An object says who holds it and until when. It is written only over what was read (``If-Match``) or
over nothing (``If-None-Match``), so that of many writers one wins:
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
    nonce: str  # says which lease wrote it, and makes each writing another object


class Lease:
    """A lease, as one who wants it sees it."""

    def __init__(  # noqa: PLR0913 - the last two are time itself, which tests replace
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
        """Remember who wants it; nothing is written yet.

        Args:
            s3: Client of the object store.
            bucket: The project's bucket.
            key: The object that is the lease.
            holder: Who wants it, such as `job 1f2e`; others see it while they wait.
            seconds: How long it holds without being renewed.
            clock: Tells the time.
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
        """Hold the lease for a block, and renew it meanwhile.

        Args:
            wait_seconds: Longest wait for who holds it.
            on_wait: Told the holder at each try that fails.

        Raises:
            LeaseError: It was not free within that time.
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
        """Make sure that the lease still holds.

        Raises:
            LeaseError: It ran out, or another took it.
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
            self._sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - many wait, not in step
            pause = min(1.5 * pause, _LONGEST_POLL_SECONDS)

    def _tried(self, deadline: datetime) -> str | None:
        """Try to take the lease; an outage is waited for like another holder."""
        try:
            return self._try_to_take()
        except ObjectUnavailableError as exc:
            if self._clock() >= deadline:
                raise
            _LOG.warning("lease_not_read", extra={"error": str(exc)})
            return _UNKNOWN

    def _try_to_take(self) -> str | None:
        """Take the lease if it is free, or return who holds it."""
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
        """Write the lease as expired; a failure only makes the next job wait until it does."""
        try:
            self._write_own(seconds=0)
        except ObjectError as exc:
            _LOG.warning("lease_not_released", extra={"error": str(exc)})

    def _read(self) -> tuple[_Holding, str] | None:
        try:
            document = self._documents.read(self._key)
        except ObjectDeniedError:  # missing, where the bucket may not be listed: a write shows it
            return None
        if document is None:
            return None
        try:
            holding = _Holding.model_validate_json(document.content)
        except ValidationError:  # not written here: whoever comes may take it
            holding = _Holding(holder=_UNKNOWN, expires_at=_NEVER, nonce="")
        return holding, document.etag

    def _is_own(self, holding: _Holding) -> bool:
        return holding.nonce.startswith(self._owner)

    def _write_own(self, *, seconds: float | None = None) -> bool:
        """Write the lease over the last own writing, and return whether there was one.

        That may be another than is known: one that was given up on, and reached S3 after all.
        """
        if self._write(self._etag, seconds=seconds):
            return True
        standing = self._read()
        if standing is None or not self._is_own(standing[0]):
            return False
        return self._write(standing[1], seconds=seconds)

    def _write(self, etag: str | None = None, *, seconds: float | None = None) -> bool:
        """Write the lease over one ETag, or over nothing, and return whether it stands."""
        expires_at = self._clock() + timedelta(
            seconds=self._seconds if seconds is None else seconds
        )
        nonce = f"{self._owner}-{uuid.uuid4().hex}"
        holding = _Holding(holder=self._holder, expires_at=expires_at, nonce=nonce)
        content = holding.model_dump_json().encode()
        if etag is None:
            written = self._documents.create(self._key, content)
        else:
            written = self._documents.replace(self._key, content, etag=etag)
        if written is None:
            return False
        self._etag, self._expires_at = written, expires_at
        return True
