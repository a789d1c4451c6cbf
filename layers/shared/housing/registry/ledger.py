"""The ledger: an immutable object in the bucket for each change of an alias.

Entries are numbered, and a number is written once: of two who would write the next one, the slower
is refused and has to look again. An entry is written before its alias moves; a mark beside it says
that the alias did. One without a mark is unfinished, and whoever comes next finishes it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

from housing.errors import LedgerError, ObjectError
from housing.s3.layout import LEDGER

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ENTRY = ".json"
_MARK = ".done"
_MOST_PAGES = 40  # of 1,000 keys each
_LOST = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})


class AliasChange(BaseModel):
    """Who moved which alias, when, from where to where, why, and on what evidence."""

    model_config = ConfigDict(frozen=True)

    who: str
    when: datetime
    model: str
    alias: str
    from_version: str | None
    to_version: str | None
    why: str
    evidence: dict[str, str | float | None] = {}


@dataclass(frozen=True, slots=True)
class Entry:
    """A change as it stands in the ledger; done, when its alias is known to have moved."""

    number: int
    change: AliasChange
    is_done: bool


@dataclass(slots=True)
class _Listed:
    """What the keys tell: the entries' numbers, and the aliases of those that are done."""

    entries: set[int] = field(default_factory=set)
    done: dict[int, str] = field(default_factory=dict)

    def add(self, name: str) -> None:
        number, _, alias = name.removesuffix(_ENTRY).removesuffix(_MARK).partition("-")
        if number.isdecimal() and name.endswith(_ENTRY):
            self.entries.add(int(number))
        elif number.isdecimal() and alias:
            self.done[int(number)] = alias


class Ledger:
    """The entries under ``ledger/``; their keys sort by number."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        """Use an S3 client on one bucket."""
        self._s3 = s3
        self._bucket = bucket

    def record(self, change: AliasChange) -> int:
        """Write the next entry and return its number; ``mark_done`` follows once it is true.

        Raises:
            LedgerError: Another wrote the next entry first.
            ObjectError: The bucket could not be read or written.
        """
        number = max(self._listed().entries, default=0) + 1
        if not self._put(_entry_key(number), change.model_dump_json(indent=1).encode()):
            msg = f"another wrote entry {number} of the ledger first"
            raise LedgerError(msg)
        return number

    def mark_done(self, number: int, alias: str) -> None:
        """Note that an entry's alias has moved; it may be noted twice.

        Raises:
            ObjectError: The bucket could not be written.
        """
        self._put(f"{LEDGER}{number:08d}-{alias}{_MARK}", b"")

    def newest(self, limit: int) -> list[AliasChange]:
        """Return the newest changes, newest first.

        Raises:
            ObjectError: The ledger cannot be read.
            LedgerError: An entry is garbled.
        """
        newest_first = sorted(self._listed().entries, reverse=True)
        return [self._change(number) for number in newest_first[:limit]]

    def last_of(self, alias: str) -> Entry | None:
        """Return the newest entry of an alias, or None where it has none.

        Raises:
            ObjectError: The ledger cannot be read.
            LedgerError: An entry is garbled.
        """
        listed = self._listed()
        for number in sorted(listed.entries, reverse=True):
            done = listed.done.get(number)
            if done in {alias, None}:
                change = self._change(number)
                if change.alias == alias:
                    return Entry(number, change, is_done=done is not None)
        return None

    def _listed(self) -> _Listed:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=LEDGER, PaginationConfig={"MaxItems": _MOST_PAGES * 1_000}
        )
        listed = _Listed()
        try:
            for page in pages:
                for found in page.get("Contents", []):
                    listed.add(found["Key"].removeprefix(LEDGER))
        except (BotoCoreError, ClientError) as exc:
            msg = f"the ledger cannot be read: {exc}"
            raise ObjectError(msg) from exc
        return listed

    def _change(self, number: int) -> AliasChange:
        key = _entry_key(number)
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            return AliasChange.model_validate_json(body)
        except (BotoCoreError, ClientError) as exc:
            msg = f"the ledger cannot be read: {exc}"
            raise ObjectError(msg) from exc
        except ValidationError as exc:
            msg = f"entry {number} of the ledger is garbled: {exc.error_count()} errors"
            raise LedgerError(msg) from exc

    def _put(self, key: str, body: bytes) -> bool:
        """Write an object that is not there yet, and return whether it was not."""
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _LOST:
                return False
            msg = f"the ledger cannot be written: {exc}"
            raise ObjectError(msg) from exc
        except BotoCoreError as exc:
            msg = f"the ledger cannot be written: {exc}"
            raise ObjectError(msg) from exc
        return True


def _entry_key(number: int) -> str:
    return f"{LEDGER}{number:08d}{_ENTRY}"
