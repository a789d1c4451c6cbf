"""Acting on the gate's verdict: aliases, the ledger, and the copy for bad days."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from housing.bucket import MODELS
from housing.errors import AliasNotFoundError
from housing.jobs import Verdict
from housing.last_promoted import POINTER, Pointer
from housing.ledger import AliasChange, Ledger
from housing.registry import (
    CHALLENGER,
    MODEL_FILE,
    PREVIOUS,
    PRODUCTION,
    ModelRegistry,
    ModelVersion,
    Tag,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class Promoter:
    """Moves aliases on behalf of one job; every step may be repeated after a crash."""

    registry: ModelRegistry
    ledger: Ledger
    s3: "S3Client"
    bucket: str
    who: str

    def apply(self, version: ModelVersion, verdict: Verdict, model: bytes) -> None:
        """Promote a version, or mark it as the challenger that was not good enough.

        The verdict's tags are written last: a version that has them is done.
        """
        tags = {
            Tag.VERDICT: "promoted" if verdict.promote else "rejected",
            Tag.VERDICT_REASON: verdict.reason,
        }
        if verdict.promote:
            self._promote(version, verdict, model, {**version.tags, **tags})
        else:
            self._move(CHALLENGER, version, verdict)
        for name, value in reversed(tags.items()):
            self.registry.set_tag(version.version, name, value)

    def _promote(
        self, version: ModelVersion, verdict: Verdict, model: bytes, tags: dict[str, str]
    ) -> None:
        key = f"{MODELS}{version.version}/{MODEL_FILE}"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=model)
        champion = holder_of(self.registry, PRODUCTION)
        if champion and champion.version != version.version:
            self._move(PREVIOUS, champion, verdict)
        self._move(PRODUCTION, version, verdict)
        pointer = Pointer(
            model=version.name,
            version=version.version,
            sha256=version.tags[Tag.SHA256],
            key=key,
            tags=tags,
        )
        self.s3.put_object(
            Bucket=self.bucket,
            Key=POINTER,
            Body=pointer.model_dump_json(indent=1).encode(),
            ContentType="application/json",
        )

    def _move(self, alias: str, version: ModelVersion, verdict: Verdict) -> None:
        """Write the ledger, then move the alias: no change of an alias is without an entry."""
        holder = holder_of(self.registry, alias)
        if holder and holder.version == version.version:
            return
        change = AliasChange(
            who=self.who,
            when=datetime.now(UTC),
            model=version.name,
            alias=alias,
            from_version=holder.version if holder else None,
            to_version=version.version,
            why=verdict.reason,
            evidence=verdict.model_dump(include={"challenger_rmse", "champion_rmse"}),
        )
        self.ledger.record(change)
        self.registry.set_alias(alias, version.version)


def holder_of(registry: ModelRegistry, alias: str) -> ModelVersion | None:
    """Return the version that carries an alias, or None where none does."""
    try:
        return registry.version_by_alias(alias)
    except AliasNotFoundError:
        return None
