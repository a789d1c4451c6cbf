"""Leases of training jobs, as others hold and leave them."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from retrain.training.job.job import LEASE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def put_lease_of_another(s3: "S3Client", bucket: str) -> None:
    """Have another hold the lease for a minute."""
    expires_at = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    held = {"holder": "another", "expires_at": expires_at, "nonce": "1"}
    s3.put_object(Bucket=bucket, Key=LEASE, Body=json.dumps(held).encode())


def is_lease_free(s3: "S3Client", bucket: str) -> bool:
    """Whether nobody holds the lease."""
    held = json.loads(s3.get_object(Bucket=bucket, Key=LEASE)["Body"].read())
    return datetime.fromisoformat(held["expires_at"]) <= datetime.now(UTC)
