"""Deduplication of alerts: repeats of a failure within an hour are counted, not sent.

The next message says the count. Counts are objects in the bucket, one for each cause, shared by
jobs and functions, and written with conditions: of many senders one sends, all others are counted.
A sender claims the message in the object, sends it, and marks it as sent once the topic has it. If
it dies in between, or the topic rejects the message, the next sender sends it.
"""

import hashlib
import logging
import random
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from pydantic import AwareDatetime, BaseModel, ValidationError

from housing.alerts.alert import Alert, AlertSink, Claim, LoggedAlerts, SnsAlerts
from housing.errors import ObjectError
from housing.s3.documents import Documents
from housing.s3.layout import ALERTS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FOLD = timedelta(hours=1)
CLAIM = timedelta(seconds=10)
"""Others wait so long for a sender; the topic accepts a message within a second."""
_TRIES = 20
_PAUSE_SECONDS = 0.05
_CLAIM_PAUSE_SECONDS = 0.5
_MOST_COUNTED = 50
_NAME_CHARACTERS = 8  # a shorter fact, such as a version, may stand in a sentence by chance
_UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_HEX = re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{8,}\b")
_NUMBER = re.compile(r"\d[\d.,:]*")
_BOUNDED = Config(
    connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3, "mode": "standard"}
)
_LOG = logging.getLogger(__name__)


def alerts_to(topic_arn: str | None, s3: "S3Client", bucket: str) -> AlertSink:
    """Return the sink of the job's alerts: a topic, deduplicated, or the log without one."""
    if topic_arn is None:
        return LoggedAlerts()
    return FoldedAlerts(SnsAlerts(boto3.client("sns", config=_BOUNDED), topic_arn), s3, bucket)


class _Fold(BaseModel):
    """State of one cause."""

    cause: str
    since: AwareDatetime  # when it was sent; repeats are counted from then
    until: AwareDatetime  # repeats before this are not sent
    repeats: int = 0
    counted: list[
        str
    ] = []  # ids of the newest repeats, to recognize a count whose response was lost
    sender: Claim | None = None

    def is_sent(self, now: datetime) -> bool:
        return self.sender is None and self.since - FOLD <= now < self.until

    def is_being_sent(self, now: datetime) -> bool:
        return self.sender is not None and self.sender.is_live(now, CLAIM)

    def with_repeat(self, by: str) -> "_Fold":
        counted = [*self.counted, by][-_MOST_COUNTED:]
        return self.model_copy(update={"repeats": self.repeats + 1, "counted": counted})


class FoldedAlerts:
    """Sends an alert once an hour for each cause, if its event is to be deduplicated."""

    def __init__(
        self,
        inner: AlertSink,
        s3: "S3Client",
        bucket: str,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Wrap another sink.

        Args:
            inner: Sends the alerts that are not repeats.
            s3: Client of the object store.
            bucket: The project's bucket.
            clock: Returns the time.
        """
        self._inner = inner
        self._documents = Documents(s3, bucket)
        self._clock = clock

    def send(self, alert: Alert) -> bool:
        """Send the alert or count it; send it if the count cannot be written."""
        if not alert.event.is_folded:
            return self._inner.send(alert)
        cause = cause_of(alert)
        key = f"{ALERTS}{alert.event}-{hashlib.sha256(cause.encode()).hexdigest()[:16]}.json"
        try:
            claimed = self._claim(alert, key, cause)
        except ObjectError as exc:
            _LOG.warning("alert_not_folded", extra={"event": alert.event, "error": str(exc)})
            return self._inner.send(alert)
        return True if claimed is None else self._send_claimed(alert, key, *claimed)

    def _claim(self, alert: Alert, key: str, cause: str) -> tuple[_Fold, str] | None:
        """Return the claim with its ETag, or None if the alert was counted instead."""
        by = uuid.uuid4().hex
        tries = 0
        while True:
            known, etag = self._read(key)
            now = self._clock()
            if known and by in known.counted:
                return None
            if known and known.is_being_sent(now):
                time.sleep(_CLAIM_PAUSE_SECONDS * random.uniform(0.5, 1))  # noqa: S311 - no secret
                continue
            if known and known.is_sent(now):
                if self._write(key, known.with_repeat(by), etag):
                    _LOG.info("alert_folded", extra={"event": alert.event, "cause": cause})
                    return None
            else:
                fold = known or _Fold(cause=cause, since=now, until=now)
                if fold.sender:  # the sender died before its message was sent
                    fold = fold.with_repeat(fold.sender.by)
                fold = fold.model_copy(update={"sender": Claim(by=by, until=now + CLAIM)})
                written = self._write(key, fold, etag)
                if written:
                    return fold, written
            tries += 1
            if tries == _TRIES:
                msg = f"{key} was written by others {_TRIES} times in a row"
                raise ObjectError(msg)
            time.sleep(random.uniform(0, _PAUSE_SECONDS))  # noqa: S311 - no secret

    def _send_claimed(self, alert: Alert, key: str, claim: _Fold, etag: str) -> bool:
        """Send a claimed alert; if that fails, release the claim, counted."""
        now = self._clock()
        sent = self._inner.send(_with_count(alert, claim, now))
        if sent:
            after = _Fold(cause=claim.cause, since=now, until=now + FOLD)
        else:
            missed = claim.with_repeat(claim.sender.by if claim.sender else "")
            after = missed.model_copy(update={"sender": None, "until": now})
        try:
            self._write(key, after, etag)  # not over the claim of another process
        except ObjectError as exc:
            _LOG.warning("alert_not_folded", extra={"event": alert.event, "error": str(exc)})
        return sent

    def _read(self, key: str) -> tuple[_Fold | None, str | None]:
        """Return the state and its ETag."""
        document = self._documents.read(key)
        if document is None:
            return None, None
        try:
            return _Fold.model_validate_json(document.content), document.etag
        except ValidationError:  # not written by this module: ignored
            return None, document.etag

    def _write(self, key: str, fold: _Fold, etag: str | None) -> str | None:
        """Write over an ETag, or create; return the new ETag, or None if another was faster."""
        return self._documents.replace(key, fold.model_dump_json().encode(), etag=etag)


def cause_of(alert: Alert) -> str:
    """Return the cause, which repeats share: event and reason, without names and numbers.

    Jobs, files, times and counts differ between repeats. Facts that the reason quotes, hexadecimal
    words and numbers are replaced in it.
    """
    reason = alert.reason
    for name, value in alert.facts.items():
        if len(value) >= _NAME_CHARACTERS:
            reason = reason.replace(value, f"<{name}>")
    reason = reason.lower()
    for pattern in (_UUID, _HEX, _NUMBER):
        reason = pattern.sub("#", reason)
    return f"{alert.event}: {' '.join(reason.split())}"


def _with_count(alert: Alert, before: _Fold, now: datetime) -> Alert:
    if before.repeats == 0:
        return alert
    since = before.since.astimezone(UTC)
    form = "%H:%M" if since.date() == now.astimezone(UTC).date() else "%Y-%m-%d %H:%M"
    more = f"and {before.repeats:,} more like it since {since:{form}} UTC"
    return replace(alert, reason=f"{alert.reason}; {more}")
