"""The ledger: an immutable object in the bucket for each change of an alias."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

from housing.bucket import LEDGER
from housing.errors import LedgerError, ObjectError

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


_MOST_PAGES = 20  # of 1,000 keys each


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
            ObjectError: The bucket could not be written.
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
            msg = f"the ledger cannot be written: {exc}"
            raise ObjectError(msg) from exc
        except BotoCoreError as exc:
            msg = f"the ledger cannot be written: {exc}"
            raise ObjectError(msg) from exc
        return key

    def newest(self, limit: int) -> list[AliasChange]:
        """Return the newest entries, newest first.

        Raises:
            ObjectError: The ledger cannot be read.
            LedgerError: An entry is garbled.
        """
        try:
            return [self._entry(key) for key in reversed(self._keys()[-limit:])]
        except (BotoCoreError, ClientError) as exc:
            msg = f"the ledger cannot be read: {exc}"
            raise ObjectError(msg) from exc
        except ValidationError as exc:
            msg = f"an entry of the ledger is garbled: {exc.error_count()} errors"
            raise LedgerError(msg) from exc

    def _keys(self) -> list[str]:
        """Return all keys, oldest first; S3 lists them in no other order."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=LEDGER, PaginationConfig={"MaxItems": _MOST_PAGES * 1_000}
        )
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def _entry(self, key: str) -> AliasChange:
        body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return AliasChange.model_validate_json(body)
