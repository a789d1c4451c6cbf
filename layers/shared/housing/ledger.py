"""The ledger: an immutable object in the bucket for each change of an alias."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict

from housing.bucket import LEDGER
from housing.errors import LedgerError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class AliasChange(BaseModel):
    """Who moved which alias, when, from where to where, why, and on what evidence."""

    model_config = ConfigDict(frozen=True)

    who: str
    when: datetime
    model: str
    alias: str
    from_version: str | None
    to_version: str
    why: str
    evidence: dict[str, str | float | None] = {}


class Ledger:
    """The entries under ``ledger/``; their keys sort by time."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        """Use an S3 client on one bucket."""
        self._s3 = s3
        self._bucket = bucket

    def record(self, change: AliasChange) -> str:
        """Write an entry and return its key.

        Raises:
            LedgerError: An entry of that key exists.
        """
        key = f"{LEDGER}{change.when:%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:8]}.json"
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=change.model_dump_json(indent=1).encode(),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] in ("PreconditionFailed", "412"):
                msg = f"the ledger has an entry {key} already"
                raise LedgerError(msg) from exc
            raise
        return key
