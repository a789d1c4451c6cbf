"""The ledger: an immutable object in the bucket for each change of an alias and each decision.

Entries are numbered, and each number is written once: of two writers of the next one, the slower
fails and has to read again. An entry is written before its alias moves; a mark beside it says that
the alias has moved. An entry without a mark is unfinished, and the next process finishes it. A
decision about automatic promotion or the data set is written and marked in the same way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from housing.errors import LedgerError, ObjectMissingError
from housing.registry.port import ModelVersion
from housing.s3.documents import Documents
from housing.s3.layout import LEDGER

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ENTRY = ".json"
_MARK = ".done"
_MOST_PAGES = 40  # of 1,000 keys each


class AliasChange(BaseModel):
    """Who moved which alias, when, from where to where, why, and on what evidence."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["alias_moved"] = "alias_moved"
    who: str
    when: datetime
    model: str
    alias: str
    from_version: str | None
    to_version: str | None
    why: str
    evidence: dict[str, str | float | None] = {}
    from_sha256: str | None = None
    to_sha256: str | None = None

    def comes_from(self, holder: ModelVersion | None) -> bool:
        """Whether a version, or None, is the one before the change."""
        return _is(holder, self.from_version, self.from_sha256)

    def leads_to(self, holder: ModelVersion | None) -> bool:
        """Whether a version, or None, is the target of the change."""
        return _is(holder, self.to_version, self.to_sha256)


def _is(holder: ModelVersion | None, version: str | None, sha256: str | None) -> bool:
    """Compare number and digest; entries of earlier releases have no digest."""
    if holder is None:
        return version is None
    return holder.version == version and sha256 in {None, holder.sha256}


DecisionSubject = Literal["promotion", "data"]


class Decision(BaseModel):
    """Who stopped or resumed automatic promotion, or took which rows out or back, when and why."""

    model_config = ConfigDict(frozen=True)

    kind: Literal[
        "promotion_stopped", "promotion_resumed", "data_excluded", "data_held", "data_included"
    ]
    who: str
    when: datetime
    why: str
    part: str | None = Field(None, description="part of the data set: the digest of its rows")
    job_id: str | None = Field(None, description="job that brought the part")

    @property
    def subject(self) -> DecisionSubject:
        """Subject of the decision."""
        return "promotion" if self.kind.startswith("promotion_") else "data"


Change = AliasChange | Decision
_CHANGE: TypeAdapter[Change] = TypeAdapter(Change)


@dataclass(frozen=True, slots=True)
class Entry:
    """A change in the ledger; done if its alias has moved."""

    number: int
    change: AliasChange
    is_done: bool


@dataclass(slots=True)
class _Listed:
    """Numbers of the entries, and aliases or subjects of done ones, as the keys say."""

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
        self._documents = Documents(s3, bucket)

    def record(self, change: Change) -> int:
        """Write the next entry and return its number; call ``mark_done`` once it holds.

        Raises:
            LedgerError: Another process wrote the next entry first.
            ObjectError: The bucket could not be read or written.
        """
        number = max(self._listed().entries, default=0) + 1
        entry = change.model_dump_json(
            indent=1
        ).encode()  # with author and time, so no two are equal
        if self._documents.create(_entry_key(number), entry) is None:
            msg = f"another process wrote entry {number} of the ledger first"
            raise LedgerError(msg)
        return number

    def mark_done(self, number: int, alias: str) -> None:
        """Mark an entry whose alias has moved, or whose decision holds; idempotent.

        Args:
            number: Number of the entry.
            alias: The alias, or the decision's subject.

        Raises:
            ObjectError: The bucket could not be written.
        """
        self._documents.create(f"{LEDGER}{number:08d}-{alias}{_MARK}", b"")

    def newest(self, limit: int) -> list[Change]:
        """Return the newest entries, newest first.

        Raises:
            ObjectError: The ledger cannot be read.
            LedgerError: An entry is not valid.
        """
        newest_first = sorted(self._listed().entries, reverse=True)
        return [self._change(number) for number in newest_first[:limit]]

    def last_of(self, alias: str) -> Entry | None:
        """Return the newest entry of an alias, or None.

        Raises:
            ObjectError: The ledger cannot be read.
            LedgerError: An entry is not valid.
        """
        listed = self._listed()
        for number in sorted(listed.entries, reverse=True):
            done = listed.done.get(number)
            if done in {alias, None}:
                change = self._change(number)
                if isinstance(change, AliasChange) and change.alias == alias:
                    return Entry(number, change, is_done=done is not None)
        return None

    def decide(self, decision: Decision, apply: Callable[[Decision], None]) -> None:
        """Write a decision, apply it, and mark it as done.

        Raises:
            LedgerError: Another process wrote the next entry first.
            ObjectError: The bucket could not be read or written.
        """
        number = self.record(decision)
        apply(decision)
        self.mark_done(number, decision.subject)

    def finish_decisions(self, apply: Mapping[DecisionSubject, Callable[[Decision], None]]) -> None:
        """Apply the unfinished decisions, oldest first.

        Args:
            apply: Function for each subject; it must be idempotent.

        Raises:
            LedgerError: An entry is not valid.
            ObjectError: The bucket could not be read or written.
        """
        listed = self._listed()
        for number in sorted(listed.entries - listed.done.keys()):
            change = self._change(number)
            if isinstance(change, Decision):
                apply[change.subject](change)
                self.mark_done(number, change.subject)

    def _listed(self) -> _Listed:
        listed = _Listed()
        for one in self._documents.listed(LEDGER, most=_MOST_PAGES * 1_000):
            listed.add(one.key.removeprefix(LEDGER))
        return listed

    def _change(self, number: int) -> Change:
        entry = self._documents.read(_entry_key(number))
        if entry is None:
            msg = f"entry {number} of the ledger was removed during the reading"
            raise ObjectMissingError(msg)
        try:
            return _CHANGE.validate_json(entry.content)
        except ValidationError as exc:
            msg = f"entry {number} of the ledger is not valid: {exc.error_count()} errors"
            raise LedgerError(msg) from exc


def _entry_key(number: int) -> str:
    return f"{LEDGER}{number:08d}{_ENTRY}"
