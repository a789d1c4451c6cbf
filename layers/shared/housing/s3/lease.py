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
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ValidationError

from housing.errors import LeaseError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_FIRST_POLL_SECONDS = 0.2
_LONGEST_POLL_SECONDS = 3.0
# S3 answers 409 to one of two writers at the very same moment.
_LOST = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
# Who may not list the bucket is told 403 of what is not there; writing shows whether it is.
_MISSING = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})
_NEVER = datetime.min.replace(tzinfo=UTC)
_LOG = logging.getLogger(__name__)


class _Holding(BaseModel):
    holder: str
    expires_at: datetime
    nonce: str  # makes each writing another object, with another ETag


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
        self._s3 = s3
        self._bucket = bucket
        self._key = key
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
        while (holder := self._try_to_take()) is not None:
            if self._clock() >= deadline:
                msg = f"{holder} held the lease for longer than {wait_seconds:g} s"
                raise LeaseError(msg)
            on_wait(holder)
            self._sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - many wait, not in step
            pause = min(1.5 * pause, _LONGEST_POLL_SECONDS)

    def _try_to_take(self) -> str | None:
        """Take the lease if it is free, or return who holds it."""
        found = self._read()
        if found is None:
            return None if self._write({"IfNoneMatch": "*"}) else "unknown"
        holding, etag = found
        if holding.expires_at > self._clock():
            return holding.holder
        return None if self._write({"IfMatch": etag}) else holding.holder

    def _keep(self) -> None:
        while not self._released.wait(self._seconds / 4):
            try:
                if not self._write({"IfMatch": self._etag}):
                    self._expires_at = _NEVER
                    _LOG.error("lease_taken", extra={"holder": self._holder})
                    return
            except (BotoCoreError, ClientError) as exc:
                _LOG.warning("lease_not_renewed", extra={"error": str(exc)})

    def _release(self) -> None:
        """Write the lease as expired; a failure only makes the next job wait until it does."""
        try:
            self._write({"IfMatch": self._etag}, seconds=0)
        except (BotoCoreError, ClientError) as exc:
            _LOG.warning("lease_not_released", extra={"error": str(exc)})

    def _read(self) -> tuple[_Holding, str] | None:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=self._key)
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _MISSING:
                return None
            raise
        try:
            holding = _Holding.model_validate_json(answer["Body"].read())
        except ValidationError:  # not written here: whoever comes may take it
            holding = _Holding(holder="unknown", expires_at=_NEVER, nonce="")
        return holding, answer["ETag"]

    def _write(self, condition: dict[str, Any], *, seconds: float | None = None) -> bool:
        """Write the lease if the condition holds, and return whether it did."""
        expires_at = self._clock() + timedelta(
            seconds=self._seconds if seconds is None else seconds
        )
        holding = _Holding(holder=self._holder, expires_at=expires_at, nonce=uuid.uuid4().hex)
        try:
            answer = self._s3.put_object(
                Bucket=self._bucket,
                Key=self._key,
                Body=holding.model_dump_json().encode(),
                **condition,
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _LOST:
                return False
            raise
        self._etag, self._expires_at = answer["ETag"], expires_at
        return True
