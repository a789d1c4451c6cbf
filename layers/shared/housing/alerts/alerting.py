"""Where the job's alerts go: to the topic, with repeats of one failure folded, or to the log."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from housing.alerts.alert import AlertSink, LoggedAlerts, SnsAlerts
from housing.alerts.folded import FoldedAlerts

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BOUNDED = Config(
    connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3, "mode": "standard"}
)


def alerts_to(topic_arn: str | None, s3: "S3Client", bucket: str) -> AlertSink:
    """Return the sink of a topic; of the log without one."""
    if topic_arn is None:
        return LoggedAlerts()
    return FoldedAlerts(SnsAlerts(boto3.client("sns", config=_BOUNDED), topic_arn), s3, bucket)
