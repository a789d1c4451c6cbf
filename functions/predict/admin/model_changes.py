"""Changing what is live by hand: back to an earlier version, or on to one that the gate refused."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from housing.alerts.alert import AlertSink
from housing.alerts.model_changes import (
    alert_on_promotion,
    alert_on_resume,
    alert_on_rollback,
    alert_on_stop,
)
from housing.errors import ArtifactError, VersionNotFoundError
from housing.registry.alias_repair import repair
from housing.registry.automatic_promotion import AutomaticPromotion
from housing.registry.ledger import AliasChange, Change, Entry
from housing.registry.live_model import LiveModel, Reason, holder_of
from housing.registry.port import PREVIOUS, PRODUCTION, ModelVersion, Tag, download_model
from predict.errors import (
    ChangeRefusedError,
    ModelRefusedError,
    NoSuchTargetError,
    outages_as_unavailable,
)
from predict.model.loading import prove

ROLLBACK = "rollback"
PROMOTION = "promotion"
_KIND = "kind"
_TARGET = "target"
_TARGET_SHA256 = "target_sha256"


@dataclass(frozen=True, slots=True)
class Changed:
    """What was changed: the version that is live now, and the one that was."""

    version: str
    from_version: str | None
    is_changed: bool
    promotion: AutomaticPromotion
    """Whether jobs may promote, after the change."""
    included: tuple[str, ...] = ()
    """Jobs whose rows were held and are in the data set again."""


@dataclass(frozen=True, slots=True)
class ModelChanges:
    """The use case; each call may be repeated after an interruption, and ends where it should."""

    live: LiveModel
    model_name: str
    alerts: AlertSink
    followed: Callable[[], None]
    """Called after a change, so that this process follows it at once."""

    def rollback(self, to: str | None, *, why: str, who: str) -> Changed:
        """Put an earlier version back, after it was proved to load; jobs promote nothing any more.

        Args:
            to: The version; the one before the last change if None.
            why: For the ledger.
            who: For the ledger.

        Raises:
            NoSuchTargetError: There is no such version.
            ChangeRefusedError: There is nothing to go back to, or the target does not load.
            StoreUnavailableError: Registry or bucket is out of reach; the same call again goes on.
        """
        with self._alone(who) as finished:
            target = self._version(to) if to else self._before(finished)
            return self._put(target, ROLLBACK, why, who, {}, finished)

    def promote(self, version: str, *, why: str, who: str) -> Changed:
        """Make a version live whatever the gate said of it, after it was proved to load.

        Parts of the data set that were held because of it are included. A stop of automatic
        promotion stays.

        Raises:
            NoSuchTargetError: There is no such version.
            ChangeRefusedError: It does not load.
            StoreUnavailableError: As in ``rollback``.
        """
        with self._alone(who) as finished:
            tags = {Tag.VERDICT: "promoted", Tag.VERDICT_REASON: f"by hand, {who}: {why}"}
            target = self._version(version)
            changed = self._put(target, PROMOTION, why, who, tags, finished)
            for name, value in tags.items():
                self.live.registry.set_tag(version, name, value)
            included = self._release(target, why=f"version {version} is promoted: {why}", who=who)
        return replace(changed, included=included)

    def resume(self, *, why: str, who: str) -> AutomaticPromotion:
        """Let jobs promote again; return the stop that this ends, or a state without one.

        Raises:
            StoreUnavailableError: The bucket is out of reach; the same call again goes on.
        """
        with outages_as_unavailable(), self.live.locked(who):
            self.live.finish_decisions()
            before = self.live.promotion.resume(who=who, why=why)
        if before.stopped:
            self.alerts.send(alert_on_resume(self.model_name, before, why=why, who=who))
        self.followed()
        return before

    def promotion(self) -> AutomaticPromotion:
        """Return whether jobs may promote.

        Raises:
            StoreUnavailableError: The bucket cannot be read.
        """
        with outages_as_unavailable():
            return self.live.promotion.load()

    def newest(self, limit: int) -> list[Change]:
        """Return the ledger's newest entries, newest first.

        Raises:
            StoreUnavailableError: The ledger cannot be read.
        """
        with outages_as_unavailable():
            return self.live.ledger.newest(limit)

    def versions(self, limit: int) -> list[ModelVersion]:
        """Return the newest versions, newest first.

        Raises:
            StoreUnavailableError: The registry cannot be reached.
        """
        with outages_as_unavailable():
            return list(self.live.registry.versions(limit=limit))

    def live_version(self) -> str | None:
        """Return the version that is live, or None before the first promotion.

        Raises:
            StoreUnavailableError: The registry cannot be reached.
        """
        with outages_as_unavailable():
            found = holder_of(self.live.registry, PRODUCTION)
        return found.version if found else None

    @contextmanager
    def _alone(self, who: str) -> Iterator[AliasChange | None]:
        """Change aliases alone; first finish what an earlier call left, and return that of them."""
        with outages_as_unavailable(), self.live.locked(who):
            last = self.live.ledger.last_of(PRODUCTION)
            repair(self.live, self.model_name, who=who)
            yield self._finished(last)

    def _finished(self, entry: Entry | None) -> AliasChange | None:
        """Return the change of an entry that had no mark, if it was made by hand and holds now."""
        if entry is None or entry.is_done or _KIND not in entry.change.evidence:
            return None
        holder = holder_of(self.live.registry, PRODUCTION)
        return entry.change if entry.change.leads_to(holder) else None

    def _put(  # noqa: PLR0913, PLR0917 - what, how, why, by whom, and what came before
        self,
        target: ModelVersion,
        kind: str,
        why: str,
        who: str,
        tags: dict[str, str],
        finished: AliasChange | None,
    ) -> Changed:
        model = self._proved(target)
        before = self.live.promotion.load()
        promotion = self.live.promotion.stop(who=who, why=why) if kind == ROLLBACK else before
        champion = holder_of(self.live.registry, PRODUCTION)
        if finished and champion and champion.identity == target.identity:
            champion = self._left_by(finished) or champion  # a first try of this call came so far
        left = champion.version if champion else None
        is_changed = champion is None or champion.identity != target.identity
        changed = Changed(target.version, left, is_changed, promotion)
        if left and changed.is_changed and kind == ROLLBACK:
            self._mark(left, f"{datetime.now(UTC).isoformat(timespec='seconds')} {why}")
        if target.tags.get(Tag.ROLLED_BACK):
            self._mark(target.version, "")
            tags = {**tags, Tag.ROLLED_BACK: ""}
        evidence = {_KIND: kind, _TARGET: target.version, _TARGET_SHA256: target.sha256}
        reason = Reason(who, why, evidence)
        self.live.put(target, model, reason, {**target.tags, **tags})
        if changed.is_changed:
            tell = alert_on_rollback if kind == ROLLBACK else alert_on_promotion
            self.alerts.send(tell(target, champion, promotion, why=why, who=who))
        elif promotion.stopped != before.stopped:
            self.alerts.send(alert_on_stop(target, promotion, why=why, who=who))
        self.followed()
        return changed

    def _release(self, version: ModelVersion, *, why: str, who: str) -> tuple[str, ...]:
        """Include the parts that were held because of a version; return the jobs' ids."""
        held = self.live.exclusions.load()
        parts = [part for part in version.tags.get(Tag.HELD_PARTS, "").split(",") if part in held]
        for part in parts:
            self.live.exclusions.include(part, who=who, why=why)
        if version.tags.get(Tag.HELD_PARTS):
            self.live.registry.set_tag(version.version, Tag.HELD_PARTS, "")
        return tuple(held[part].job_id for part in parts)

    def _version(self, version: str) -> ModelVersion:
        try:
            return self.live.registry.version(version)
        except VersionNotFoundError as exc:
            raise NoSuchTargetError(str(exc)) from exc

    def _before(self, finished: AliasChange | None) -> ModelVersion:
        """Return the version to go back to: the previous one, or what an interrupted call meant."""
        if finished and finished.to_version and finished.evidence[_KIND] == ROLLBACK:
            return self._version(finished.to_version)
        champion = holder_of(self.live.registry, PRODUCTION)
        previous = holder_of(self.live.registry, PREVIOUS)
        if previous and champion and previous.identity == champion.identity:
            previous = self._interrupted(champion)
        if previous is None:
            msg = 'there is no previous version to go back to; name one, such as {"to": "1"}'
            raise ChangeRefusedError(msg)
        if previous.tags.get(Tag.ROLLED_BACK):
            msg = (
                f"version {previous.version} was itself rolled back from "
                f"({previous.tags[Tag.ROLLED_BACK]}); name it if it is meant"
            )
            raise ChangeRefusedError(msg)
        return previous

    def _interrupted(self, champion: ModelVersion) -> ModelVersion | None:
        """Return what the last call aimed at, if it ended between its two aliases."""
        entry = self.live.ledger.last_of(PREVIOUS)
        evidence = entry.change.evidence if entry else {}
        target = evidence.get(_TARGET)
        if target in {None, champion.version}:
            return None
        aimed_at = self._known(str(target))
        digests = {None, aimed_at.sha256 if aimed_at else None}
        return aimed_at if evidence.get(_TARGET_SHA256) in digests else None

    def _left_by(self, change: AliasChange) -> ModelVersion | None:
        """Return the version that a change left, if the registry still has it."""
        version = self._known(change.from_version) if change.from_version else None
        return version if change.comes_from(version) else None

    def _known(self, version: str) -> ModelVersion | None:
        """Return a version that the ledger names, or None where a rebuilt registry has none."""
        try:
            return self.live.registry.version(version)
        except VersionNotFoundError:
            return None

    def _proved(self, target: ModelVersion) -> bytes:
        try:
            model = download_model(self.live.registry, target)
            prove(model, target)
        except (ArtifactError, ModelRefusedError) as exc:
            msg = f"version {target.version} does not load, and nothing was changed: {exc}"
            raise ChangeRefusedError(msg) from exc
        return model

    def _mark(self, version: str, rolled_back: str) -> None:
        """Mark a version that is left: no job promotes it again by itself; or take that back."""
        self.live.registry.set_tag(version, Tag.ROLLED_BACK, rolled_back)
