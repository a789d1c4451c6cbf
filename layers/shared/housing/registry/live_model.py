"""Changes of the live model: aliases, ledger, and the copy in the bucket, in one order.

A ledger entry is written before its alias moves, then the pointer follows, and the entry's mark is
last. Every step is idempotent, so that an interrupted process can repeat all of them. One process
changes at a time, and first completes an interrupted change (``housing.registry.alias_repair``).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from housing.errors import AliasNotFoundError, VersionChangedError
from housing.registry.automatic_promotion import PromotionSwitch
from housing.registry.exclusions import Exclusions
from housing.registry.last_promoted import POINTER, Pointer
from housing.registry.ledger import AliasChange, Ledger
from housing.registry.port import MODEL_FILE, PREVIOUS, PRODUCTION, ModelRegistry, ModelVersion, Tag
from housing.s3.documents import JSON, Documents
from housing.s3.layout import MODELS
from housing.s3.lease import Lease

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LOCK = f"{MODELS}lock"
LOCK_SECONDS = 30.0
"""A process that died keeps the lock for so long."""
_WAIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Reason:
    """Author, reason and evidence of a change, for the ledger."""

    who: str
    why: str
    evidence: Mapping[str, str | float | None]


@dataclass(frozen=True, slots=True)
class LiveModel:
    """The aliases of one registered model, with their ledger and copy."""

    registry: ModelRegistry
    ledger: Ledger
    s3: "S3Client"
    bucket: str

    @property
    def promotion(self) -> PromotionSwitch:
        """The state of automatic promotion; changed under the lock."""
        return PromotionSwitch(self.s3, self.bucket, self.ledger)

    @property
    def exclusions(self) -> Exclusions:
        """The excluded parts of the data set; changed under the lock."""
        return Exclusions(self.s3, self.bucket, self.ledger)

    def finish_decisions(self) -> None:
        """Apply unfinished decisions of the ledger, under the lock.

        Raises:
            LedgerError: An entry is not valid.
            ObjectError: The bucket could not be read or written.
        """
        self.ledger.finish_decisions(
            {"promotion": self.promotion.apply, "data": self.exclusions.apply}
        )

    @contextmanager
    def locked(self, who: str, *, wait_seconds: float = _WAIT_SECONDS) -> Iterator[Lease]:
        """Hold the lock on the aliases for a block; yield its lease.

        Args:
            who: Holder, shown to waiting processes.
            wait_seconds: Longest wait; a request cannot wait for the lock of a dead process.

        Raises:
            LeaseError: Another process held the lock for that time.
        """
        lock = Lease(self.s3, self.bucket, LOCK, holder=who, seconds=LOCK_SECONDS)
        with lock.held(wait_seconds=wait_seconds, on_wait=lambda _: None):
            yield lock

    def put(
        self, version: ModelVersion, model: bytes, reason: Reason, tags: Mapping[str, str]
    ) -> None:
        """Put a version in production, and make the replaced one the previous one.

        Args:
            version: A version whose model loads.
            model: Its ``model.onnx``.
            reason: For the ledger.
            tags: Tags of the version in the pointer.

        Raises:
            RegistryError: An alias could not be moved.
            ObjectError: The bucket could not be written.
            LedgerError: Another process changed an alias.
        """
        self.keep_copy(version, model)
        champion = holder_of(self.registry, PRODUCTION)
        if champion and champion.identity != version.identity:
            self.move(PREVIOUS, champion, reason)
        with self._moved(PRODUCTION, version, reason):
            self.point_to(version, tags)

    def move(self, alias: str, version: ModelVersion, reason: Reason) -> None:
        """Write the ledger, then move the alias, unless it is there already.

        Raises:
            VersionChangedError: The number names another model now.
        """
        with self._moved(alias, version, reason):
            pass

    @contextmanager
    def _moved(self, alias: str, version: ModelVersion, reason: Reason) -> Iterator[None]:
        """Move an alias before a block of the same change, and mark the entry after it."""
        holder = holder_of(self.registry, alias)
        if holder and holder.identity == version.identity:
            yield
            return
        if self.registry.version(version.version).identity != version.identity:
            raise VersionChangedError(version.version)
        change = AliasChange(
            who=reason.who,
            when=datetime.now(UTC),
            model=version.name,
            alias=alias,
            from_version=holder.version if holder else None,
            to_version=version.version,
            why=reason.why,
            evidence=dict(reason.evidence),
            from_sha256=holder.sha256 if holder else None,
            to_sha256=version.sha256,
        )
        number = self.ledger.record(change)
        self.registry.set_alias(alias, version.version)
        yield
        self.ledger.mark_done(number, alias)

    def keep_copy(self, version: ModelVersion, model: bytes) -> None:
        """Copy a version's file to the bucket, for the service without the registry."""
        self._write(_copy(version), model, "application/octet-stream")

    def point_to(self, version: ModelVersion, tags: Mapping[str, str]) -> None:
        """Write the pointer to a version's copy."""
        pointer = Pointer(
            model=version.name,
            version=version.version,
            sha256=version.tags[Tag.SHA256],
            key=_copy(version),
            tags=dict(tags),
            card=version.description,
        )
        self._write(POINTER, pointer.model_dump_json(indent=1).encode(), JSON)

    def _write(self, key: str, content: bytes, content_type: str) -> None:
        Documents(self.s3, self.bucket).overwrite(key, content, content_type=content_type)


def holder_of(registry: ModelRegistry, alias: str) -> ModelVersion | None:
    """Return the version with an alias, or None."""
    try:
        return registry.version_by_alias(alias)
    except AliasNotFoundError:
        return None


def _copy(version: ModelVersion) -> str:
    return f"{MODELS}{version.unique_name}/{MODEL_FILE}"
