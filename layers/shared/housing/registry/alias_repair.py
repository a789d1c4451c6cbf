"""Making registry, ledger and pointer agree again, after a crash between them or a foreign hand.

Called by whoever holds the lock of ``LiveModel``, before anything else is changed.
"""

import hashlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from housing.errors import ArtifactError, LastPromotedError
from housing.registry.last_promoted import S3LastPromotedModel
from housing.registry.ledger import AliasChange, Entry
from housing.registry.live_model import LiveModel, holder_of
from housing.registry.port import CHALLENGER, MODEL_FILE, PREVIOUS, PRODUCTION, ModelVersion, Tag

_LOG = logging.getLogger(__name__)
_ALIASES = (PREVIOUS, PRODUCTION, CHALLENGER)
FOREIGN = "unknown"


@dataclass(frozen=True, slots=True)
class Repair:
    """A change that was finished, or one that was found and is in the ledger now."""

    change: AliasChange
    was_finished: bool

    def __str__(self) -> str:
        """Return it in a sentence."""
        change = self.change
        before, after = change.from_version or "none", change.to_version or "none"
        moved = f"{change.alias} from {before} to {after}"
        if self.was_finished:
            return f"a change that {change.who} left unfinished was finished: {moved}"
        return f"somebody moved an alias past the pipeline: {moved}"


def repair(live: LiveModel, model_name: str, *, who: str) -> list[Repair]:
    """Finish what the ledger says and the registry does not, and note what it does not say.

    An alias that is where its last entry left it, though the entry is not done, moves on. One that
    is anywhere else was moved by somebody else: that stands, and is written down. Then the pointer
    follows ``production``.

    Args:
        live: Registry, ledger and copies.
        model_name: The registered model.
        who: Who repairs, for the ledger.

    Raises:
        RegistryError: The registry cannot be asked or changed.
        ObjectError: The bucket cannot be read or written.
        LedgerError: An entry is garbled, or another changed an alias at the same moment.
    """
    found = [_repaired(live, model_name, alias, who) for alias in _ALIASES]
    champion = holder_of(live.registry, PRODUCTION)
    if champion:
        _follow(live, champion)
    return [one for one in found if one]


def _repaired(live: LiveModel, model_name: str, alias: str, who: str) -> Repair | None:
    holder = holder_of(live.registry, alias)
    held = holder.version if holder else None
    entry = live.ledger.last_of(alias)
    if entry and held == entry.change.to_version:
        if not entry.is_done:
            live.ledger.mark_done(entry.number, alias)
        return None
    if entry and not entry.is_done and held == entry.change.from_version:
        return _finished(live, entry)
    if entry is None and held is None:
        return None
    change = AliasChange(
        who=FOREIGN,
        when=datetime.now(UTC),
        model=model_name,
        alias=alias,
        from_version=entry.change.to_version if entry else None,
        to_version=held,
        why=f"found by {who}: not changed by this pipeline",
    )
    live.ledger.mark_done(live.ledger.record(change), alias)
    _LOG.warning("alias_moved_by_others", extra={"alias": alias, "version": held})
    return Repair(change, was_finished=False)


def _finished(live: LiveModel, entry: Entry) -> Repair:
    if entry.change.to_version:  # only what was found, and so is done, may lead to none
        live.registry.set_alias(entry.change.alias, entry.change.to_version)
    live.ledger.mark_done(entry.number, entry.change.alias)
    _LOG.warning("alias_change_finished", extra={"entry": entry.number})
    return Repair(entry.change, was_finished=True)


def _follow(live: LiveModel, champion: ModelVersion) -> None:
    """Have the pointer name the version in production, whose file is kept before."""
    try:
        known = S3LastPromotedModel(live.bucket, champion.name, client=lambda: live.s3).find()
    except LastPromotedError:
        known = None
    if known and known.version.version == champion.version:
        return
    try:
        model = live.registry.download(champion.version, MODEL_FILE)
    except ArtifactError as exc:
        _LOG.warning("copy_not_repaired", extra={"version": champion.version, "error": str(exc)})
        return
    if hashlib.sha256(model).hexdigest() != champion.tags.get(Tag.SHA256):
        _LOG.warning("copy_not_repaired", extra={"version": champion.version, "error": "SHA-256"})
        return
    live.keep_copy(champion, model)
    live.point_to(champion, champion.tags)
