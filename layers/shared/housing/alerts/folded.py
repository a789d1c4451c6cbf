"""Repeats of one failure are one message: who comes second counts, and the next message tells.

What was told lies in the bucket, an object for each cause, so that jobs and functions share it. It
is written only over what was read (``If-Match``) or over nothing (``If-None-Match``), so that of
many senders at once one sends and every other one is counted.
"""

import hashlib
import logging
import random
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import AwareDatetime, BaseModel, ValidationError

from housing.alerts.alert import Alert, AlertSink
from housing.s3.layout import ALERTS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FOLD = timedelta(hours=1)
_TRIES = 20
_PAUSE_SECONDS = 0.05
_NAME_CHARACTERS = 8  # a shorter fact, such as a version, is no name to be looked for in a sentence
_UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_HEX = re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{8,}\b")
_NUMBER = re.compile(r"\d[\d.,:]*")
# S3 answers 409 to one of two writers at the very same moment.
_LOST = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
_MISSING = frozenset({"NoSuchKey", "404"})
_LOG = logging.getLogger(__name__)


class _Fold(BaseModel):
    """What is known of one cause."""

    cause: str
    since: AwareDatetime  # when it was told; repeats are counted from then
    until: AwareDatetime  # repeats before this are not told
    repeats: int = 0


class FoldedAlerts:
    """Sends an alert once in an hour for each cause, if its event is of the kind that is folded."""

    def __init__(
        self,
        inner: AlertSink,
        s3: "S3Client",
        bucket: str,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Put the folding before another sink.

        Args:
            inner: Where alerts go that are not kept back.
            s3: Client of the object store.
            bucket: The project's bucket.
            clock: Tells the time.
        """
        self._inner = inner
        self._s3 = s3
        self._bucket = bucket
        self._clock = clock

    def send(self, alert: Alert) -> bool:
        """Send the alert or count it; where the count cannot be kept, send it."""
        if not alert.event.is_folded:
            return self._inner.send(alert)
        cause = cause_of(alert)
        key = f"{ALERTS}{alert.event}-{hashlib.sha256(cause.encode()).hexdigest()[:16]}.json"
        try:
            return self._send_once(alert, key, cause)
        except (BotoCoreError, ClientError) as exc:
            _LOG.warning("alert_not_folded", extra={"event": alert.event, "error": str(exc)})
            return self._inner.send(alert)

    def _send_once(self, alert: Alert, key: str, cause: str) -> bool:
        for _ in range(_TRIES):
            before, condition = self._read(key)
            now = self._clock()
            if before and before.since - FOLD <= now < before.until:
                counted = before.model_copy(update={"repeats": before.repeats + 1})
                if self._write(key, counted, condition):
                    _LOG.info("alert_folded", extra={"event": alert.event, "cause": cause})
                    return True
            elif self._write(key, _Fold(cause=cause, since=now, until=now + FOLD), condition):
                return self._send_first(alert, key, before, now)
            time.sleep(random.uniform(0, _PAUSE_SECONDS))  # noqa: S311 - no secret
        return self._inner.send(alert)

    def _send_first(self, alert: Alert, key: str, before: _Fold | None, now: datetime) -> bool:
        """Send what nobody else sends; if that fails, let the next one be sent, with the count."""
        if self._inner.send(_with_count(alert, before, now)):
            return True
        since, repeats = (before.since, before.repeats) if before else (now, 0)
        missed = _Fold(cause=cause_of(alert), since=since, until=now, repeats=repeats + 1)
        try:
            self._write(key, missed, {})
        except (BotoCoreError, ClientError) as exc:
            _LOG.warning("alert_not_folded", extra={"event": alert.event, "error": str(exc)})
        return False

    def _read(self, key: str) -> tuple[_Fold | None, dict[str, Any]]:
        """Return what is known, and the condition under which it may be written over."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _MISSING:
                return None, {"IfNoneMatch": "*"}
            raise
        condition = {"IfMatch": answer["ETag"]}
        try:
            return _Fold.model_validate_json(answer["Body"].read()), condition
        except ValidationError:  # not written by this module: it counts as nothing
            return None, condition

    def _write(self, key: str, fold: _Fold, condition: dict[str, Any]) -> bool:
        """Write what is known if the condition holds, and return whether it did."""
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=fold.model_dump_json().encode(),
                ContentType="application/json",
                **condition,
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _LOST:
                return False
            raise
        return True


def cause_of(alert: Alert) -> str:
    """Return what makes two alerts repeats of one: event and reason, without names and numbers.

    Jobs, files, times and counts differ between repeats. They are taken out of the reason: each
    fact that it quotes, whatever is hexadecimal, and every number.
    """
    reason = alert.reason
    for name, value in alert.facts.items():
        if len(value) >= _NAME_CHARACTERS:
            reason = reason.replace(value, f"<{name}>")
    reason = reason.lower()
    for pattern in (_UUID, _HEX, _NUMBER):
        reason = pattern.sub("#", reason)
    return f"{alert.event}: {' '.join(reason.split())}"


def _with_count(alert: Alert, before: _Fold | None, now: datetime) -> Alert:
    if before is None or before.repeats == 0:
        return alert
    since = before.since.astimezone(UTC)
    form = "%H:%M" if since.date() == now.astimezone(UTC).date() else "%Y-%m-%d %H:%M"
    more = f"and {before.repeats:,} more like it since {since:{form}} UTC"
    return replace(alert, reason=f"{alert.reason}; {more}")
