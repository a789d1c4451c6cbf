"""One alert for each version that must not be served, across processes.

An object in the bucket marks the version. A process claims the alert there, sends it, and marks it
as sent once the topic has it. If the process dies in between, is frozen by Lambda, or the topic
rejects its message, the next one sends the alert.
"""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from housing.alerts.alert import Alert, AlertEvent, AlertSink, Claim
from housing.errors import ObjectError
from housing.registry.port import ModelVersion
from housing.s3.documents import Documents
from housing.s3.layout import MODELS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CLAIM = timedelta(minutes=1)
"""Other processes wait so long for the one that claimed the alert."""
_LOG = logging.getLogger(__name__)


class _Refusal(BaseModel):
    model_config = ConfigDict(extra="ignore")

    version: str
    why: str
    is_sent: bool = True  # an earlier release wrote the object before it sent the alert
    sender: Claim | None = None


@dataclass(frozen=True, slots=True)
class AlertedRefusals:
    """Sends one alert for each refused version.

    Without a bucket, or while it is unavailable, each process sends its own.
    """

    s3: "S3Client"
    bucket: str | None
    alerts: AlertSink
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __call__(self, version: ModelVersion, why: str, serving: str | None, /) -> bool:
        """Alert on a refused version, with the reason and the version that is still served.

        Returns:
            Whether it is sent, by this process or another; if not, call again later.
        """
        alert = _alert(version, why, serving)
        if self.bucket is None:
            return self.alerts.send(alert)
        documents = Documents(self.s3, self.bucket)
        key = f"{MODELS}refused/{version.unique_name}.json"
        claim = Claim(by=uuid.uuid4().hex, until=self.clock() + CLAIM)
        refusal = _Refusal(version=version.version, why=why, is_sent=False, sender=claim)
        try:
            claimed = self._claimed(documents, key, refusal)
        except ObjectError as exc:
            _LOG.warning("refusal_not_saved", extra={"error": str(exc)})
            return self.alerts.send(alert)
        return (
            claimed
            if isinstance(claimed, bool)
            else self._send_claimed(documents, key, refusal, claimed, alert)
        )

    def _claimed(self, documents: Documents, key: str, refusal: _Refusal) -> str | bool:
        """Return the claim's ETag; if another process has it, whether the alert is sent."""
        etag = documents.create(key, _content(refusal))
        if etag:
            return etag
        document = documents.read(key)
        if document is None:
            return False
        known = _known(document.content)
        if known and known.is_sent:
            return True
        if known and known.sender and known.sender.is_live(self.clock(), CLAIM):
            return False
        return documents.replace(key, _content(refusal), etag=document.etag) or False

    def _send_claimed(
        self, documents: Documents, key: str, refusal: _Refusal, etag: str, alert: Alert
    ) -> bool:
        if refusal.sender and not refusal.sender.is_live(self.clock(), CLAIM):
            return False  # Lambda froze this thread in between, and another may have sent it
        sent = self.alerts.send(alert)
        after = refusal.model_copy(update={"is_sent": sent, "sender": None})
        try:
            documents.replace(key, _content(after), etag=etag)
        except ObjectError as exc:
            _LOG.warning("refusal_not_saved", extra={"error": str(exc)})
        return sent


def _known(content: bytes) -> _Refusal | None:
    try:
        return _Refusal.model_validate_json(content)
    except ValidationError:  # not written by this module: ignored
        return None


def _content(refusal: _Refusal) -> bytes:
    return refusal.model_dump_json().encode()


def _alert(version: ModelVersion, why: str, serving: str | None) -> Alert:
    instead = f"version {serving} stays in use" if serving else "no model is served"
    return Alert(
        event=AlertEvent.REFUSED,
        subject=f"{version.name}: version {version.version} is refused",
        reason=f"{why}; {instead}",
        advice="promote a version that loads, or return to the previous one:",
        next_step='housing rollback --reason "…"',
        facts={"version": version.version, "serving": serving or "none"},
    )
