"""Repair of aliases, ledger and pointer that disagree after a crash or a manual change in MLflow.

Call it under the lock of ``LiveModel``, before any other change.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from housing.errors import ArtifactError, LastPromotedError, VersionNotFoundError
from housing.registry.last_promoted import S3LastPromotedModel
from housing.registry.ledger import AliasChange, Entry
from housing.registry.live_model import LiveModel, holder_of
from housing.registry.port import (
    CHALLENGER,
    PREVIOUS,
    PRODUCTION,
    ModelVersion,
    Tag,
    download_model,
)

_LOG = logging.getLogger(__name__)
_ALIASES = (PREVIOUS, PRODUCTION, CHALLENGER)
FOREIGN = "unknown"


@dataclass(frozen=True, slots=True)
class Repair:
    """A completed change, or a foreign one that is in the ledger now."""

    change: AliasChange
    was_finished: bool

    def __str__(self) -> str:
        """Describe the repair."""
        change = self.change
        before, after = change.from_version or "none", change.to_version or "none"
        if before == after:
            return f"the registry was rebuilt: {change.alias} is on another version {after}"
        moved = f"{change.alias} from {before} to {after}"
        if self.was_finished:
            return f"an interrupted change by {change.who} was completed: {moved}"
        return f"an alias was moved outside the pipeline: {moved}"


def repair(live: LiveModel, model_name: str, *, who: str) -> list[Repair]:
    """Complete the ledger's unfinished changes, and record the ones that it lacks.

    Unfinished decisions are applied first. If an alias is where its unfinished entry found it, the
    change is completed. If it is on any other version, it was moved from outside, or the registry
    was rebuilt: the alias stays, and the ledger gets an entry. Then the pointer follows
    ``production``.

    Args:
        live: Registry, ledger and copies.
        model_name: The registered model.
        who: Author of the repair, for the ledger.

    Raises:
        RegistryError: The registry cannot be read or changed.
        ObjectError: The bucket cannot be read or written.
        LedgerError: An entry is not valid, or another process changed an alias.
    """
    live.finish_decisions()
    repairs = [_repaired(live, model_name, alias, who) for alias in _ALIASES]
    champion = holder_of(live.registry, PRODUCTION)
    if champion:
        _follow(live, champion)
    return [one for one in repairs if one]


def is_consistent(live: LiveModel) -> bool:
    """Return whether all aliases are where the ledger says, with no change of them unfinished.

    It needs no lock. While a process changes an alias the answer can be False: ask again under the
    lock, as ``repair`` does.

    Raises:
        RegistryError: The registry cannot be read.
        ObjectError: The bucket cannot be read.
        LedgerError: An entry is not valid.
    """
    return all(_agrees(live, alias) for alias in _ALIASES)


def _agrees(live: LiveModel, alias: str) -> bool:
    entry = live.ledger.last_of(alias)
    holder = holder_of(live.registry, alias)
    if entry is None:
        return holder is None
    return entry.is_done and entry.change.leads_to(holder)


def _repaired(live: LiveModel, model_name: str, alias: str, who: str) -> Repair | None:
    holder = holder_of(live.registry, alias)
    entry = live.ledger.last_of(alias)
    if entry is None:
        return _recorded(live, model_name, alias, holder, None, who) if holder else None
    if entry.change.leads_to(holder):
        if not entry.is_done:
            live.ledger.mark_done(entry.number, alias)
        return None
    is_unfinished = not entry.is_done and entry.change.comes_from(holder)
    if is_unfinished and _is_registered(live, entry.change):
        return _finished(live, entry)
    return _recorded(live, model_name, alias, holder, entry.change, who)


def _is_registered(live: LiveModel, change: AliasChange) -> bool:
    """Whether the registry still has the target of a change, under its number."""
    if change.to_version is None:  # an entry without a target is a record, and done
        return False
    try:
        return change.leads_to(live.registry.version(change.to_version))
    except VersionNotFoundError:
        return False


def _recorded(  # noqa: PLR0913, PLR0917 - the alias, its two versions, and the author
    live: LiveModel,
    model_name: str,
    alias: str,
    holder: ModelVersion | None,
    before: AliasChange | None,
    who: str,
) -> Repair:
    """Record the version of an alias that differs from the ledger."""
    change = AliasChange(
        who=FOREIGN,
        when=datetime.now(UTC),
        model=model_name,
        alias=alias,
        from_version=before.to_version if before else None,
        to_version=holder.version if holder else None,
        why=f"found by {who}: not changed by this pipeline",
        from_sha256=before.to_sha256 if before else None,
        to_sha256=holder.sha256 if holder else None,
    )
    live.ledger.mark_done(live.ledger.record(change), alias)
    _LOG.warning("alias_moved_by_others", extra={"alias": alias, "version": change.to_version})
    return Repair(change, was_finished=False)


def _finished(live: LiveModel, entry: Entry) -> Repair:
    live.registry.set_alias(entry.change.alias, str(entry.change.to_version))
    live.ledger.mark_done(entry.number, entry.change.alias)
    _LOG.warning("alias_change_finished", extra={"entry": entry.number})
    return Repair(entry.change, was_finished=True)


def _follow(live: LiveModel, champion: ModelVersion) -> None:
    """Let the pointer name the version in production, after its file is copied."""
    try:
        known = S3LastPromotedModel(live.bucket, champion.name, client=lambda: live.s3).find()
    except LastPromotedError:
        known = None
    if known and known.version.identity == champion.identity:
        return
    try:
        if champion.sha256 is None:
            msg = f"version {champion.version} has no tag {Tag.SHA256}"
            raise ArtifactError(msg)  # noqa: TRY301 - logged as any other
        model = download_model(live.registry, champion)
    except ArtifactError as exc:
        _LOG.warning("copy_not_repaired", extra={"version": champion.version, "error": str(exc)})
        return
    live.keep_copy(champion, model)
    live.point_to(champion, champion.tags)
