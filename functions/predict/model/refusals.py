"""A version that must not be served is told of once, by whichever process finds it first."""

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from housing.alerts.alert import Alert, AlertEvent, AlertSink
from housing.registry.port import ModelVersion, Tag
from housing.s3.layout import MODELS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LOG = logging.getLogger(__name__)
_TAKEN = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409")


@dataclass(frozen=True, slots=True)
class AlertedRefusals:
    """Alerts of refused versions; an object in the bucket says that it was done.

    Without a bucket, or while it is out of reach, each process alerts by itself.
    """

    s3: "S3Client"
    bucket: str | None
    alerts: AlertSink

    def __call__(self, version: ModelVersion, why: str, serving: str | None, /) -> None:
        """Tell that a version is refused, why, and which one goes on being served.

        It may be called again: by another process, or by this one after a while.
        """
        if self._is_first(version, why):
            self.alerts.send(_alert(version, why, serving))

    def _is_first(self, version: ModelVersion, why: str) -> bool:
        if self.bucket is None:
            return True
        digest = version.tags.get(Tag.SHA256, "")[:12] or "none"
        try:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=f"{MODELS}refused/{version.version}-{digest}.json",
                Body=json.dumps({"version": version.version, "why": why}).encode(),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _TAKEN:
                return False
            _LOG.warning("refusal_not_kept", extra={"error": str(exc)})
        except BotoCoreError as exc:
            _LOG.warning("refusal_not_kept", extra={"error": str(exc)})
        return True


def _alert(version: ModelVersion, why: str, serving: str | None) -> Alert:
    instead = f"version {serving} goes on being served" if serving else "no model is served"
    return Alert(
        event=AlertEvent.REFUSED,
        subject=f"{version.name}: version {version.version} is refused",
        reason=f"{why}; {instead}",
        advice="promote a version that loads, or go back to the one before:",
        next_step='housing rollback --reason "…"',
        facts={"version": version.version, "serving": serving or "none"},
    )
