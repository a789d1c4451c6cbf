"""Manual changes of the live model: rollback, promotion, resumption of automatic promotion."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from housing.alerts.alert import AlertSink
from housing.alerts.jobs import alert_on_repair
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
from predict.model.loading import check_and_load

ROLLBACK = "rollback"
PROMOTION = "promotion"
_KIND = "kind"
_TARGET = "target"
_TARGET_SHA256 = "target_sha256"


@dataclass(frozen=True, slots=True)
class Changed:
    """Result of a change: the live version, and the one before."""

    version: str
    from_version: str | None
    is_changed: bool
    promotion: AutomaticPromotion
    """Whether jobs may promote after the change."""
    included: tuple[str, ...] = ()
    """Jobs whose held rows are included again."""


@dataclass(frozen=True, slots=True)
class ModelChanges:
    """The use case; after an interruption the same call completes the change."""

    live: LiveModel
    model_name: str
    alerts: AlertSink
    on_change: Callable[[], None]
    """Called after a change, so that this process serves it at once."""

    def rollback(self, to: str | None, *, why: str, who: str) -> Changed:
        """Roll back to an earlier version, once it has loaded; stop automatic promotion.

        Args:
            to: The version; by default the one before the last change.
            why: For the ledger.
            who: For the ledger.

        Raises:
            NoSuchTargetError: There is no such version.
            ChangeRefusedError: There is no version to go back to, or it does not load.
            StoreUnavailableError: Registry or bucket is unavailable; the same call again goes on.
        """
        with self._locked(who) as finished:
            target = self._version(to) if to else self._before(finished)
            return self._put(target, ROLLBACK, why, who, {}, finished)

    def promote(self, version: str, *, why: str, who: str) -> Changed:
        """Promote a version regardless of the gate's verdict, once it has loaded.

        Parts of the data set that were held because of it are included. A stop of automatic
        promotion stays.

        Raises:
            NoSuchTargetError: There is no such version.
            ChangeRefusedError: It does not load.
            StoreUnavailableError: As in ``rollback``.
        """
        with self._locked(who) as finished:
            tags = {Tag.VERDICT: "promoted", Tag.VERDICT_REASON: f"by hand, {who}: {why}"}
            target = self._version(version)
            changed = self._put(target, PROMOTION, why, who, tags, finished)
            for name, value in tags.items():
                self.live.registry.set_tag(version, name, value)
            included = self._release(target, why=f"version {version} is promoted: {why}", who=who)
        return replace(changed, included=included)

    def resume(self, *, why: str, who: str) -> AutomaticPromotion:
        """Resume automatic promotion; return the state before.

        Raises:
            StoreUnavailableError: The bucket is unavailable; the same call again goes on.
        """
        with outages_as_unavailable(), self.live.locked(who):
            self.live.finish_decisions()
            before = self.live.promotion.resume(who=who, why=why)
        if before.stopped:
            self.alerts.send(alert_on_resume(self.model_name, before, why=why, who=who))
        self.on_change()
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

    def version(self, version: str) -> ModelVersion:
        """Return one version.

        Raises:
            NoSuchTargetError: There is no such version.
            StoreUnavailableError: The registry cannot be reached.
        """
        with outages_as_unavailable():
            return self._version(version)

    def live_version(self) -> str | None:
        """Return the version that is live, or None before the first promotion.

        Raises:
            StoreUnavailableError: The registry cannot be reached.
        """
        with outages_as_unavailable():
            champion = holder_of(self.live.registry, PRODUCTION)
        return champion.version if champion else None

    @contextmanager
    def _locked(self, who: str) -> Iterator[AliasChange | None]:
        """Hold the lock; finish an interrupted change, and yield it if it was a manual one."""
        with outages_as_unavailable(), self.live.locked(who):
            last = self.live.ledger.last_of(PRODUCTION)
            for one in repair(self.live, self.model_name, who=who):
                if (
                    not one.was_finished
                ):  # an interrupted change is this call's own, or reported by it
                    self.alerts.send(alert_on_repair(one, self.model_name))
            yield self._finished(last)

    def _finished(self, entry: Entry | None) -> AliasChange | None:
        """Return the change of an entry that was not done, if it was manual and holds now."""
        if entry is None or entry.is_done or _KIND not in entry.change.evidence:
            return None
        holder = holder_of(self.live.registry, PRODUCTION)
        return entry.change if entry.change.leads_to(holder) else None

    def _put(  # noqa: PLR0913, PLR0917 - target, kind, ledger fields, tags, earlier change
        self,
        target: ModelVersion,
        kind: str,
        why: str,
        who: str,
        tags: dict[str, str],
        finished: AliasChange | None,
    ) -> Changed:
        model = self._loaded(target)
        before = self.live.promotion.load()
        promotion = self.live.promotion.stop(who=who, why=why) if kind == ROLLBACK else before
        champion = holder_of(self.live.registry, PRODUCTION)
        if finished and champion and champion.identity == target.identity:
            champion = self._left_by(finished) or champion  # the first try of this call came so far
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
            alert = alert_on_rollback if kind == ROLLBACK else alert_on_promotion
            self.alerts.send(alert(target, champion, promotion, why=why, who=who))
        elif promotion.stopped != before.stopped:
            self.alerts.send(alert_on_stop(target, promotion, why=why, who=who))
        self.on_change()
        return changed

    def _release(self, version: ModelVersion, *, why: str, who: str) -> tuple[str, ...]:
        """Include the parts that were held because of a version; return their jobs."""
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
        """Return the version to go back to: the previous one, or an interrupted call's target."""
        if finished and finished.to_version and finished.evidence[_KIND] == ROLLBACK:
            return self._version(finished.to_version)
        champion = holder_of(self.live.registry, PRODUCTION)
        previous = holder_of(self.live.registry, PREVIOUS)
        if previous and champion and previous.identity == champion.identity:
            previous = self._interrupted(champion)
        if previous is None:
            msg = 'there is no previous version to return to; name one, such as {"to": "1"}'
            raise ChangeRefusedError(msg)
        if previous.tags.get(Tag.ROLLED_BACK):
            msg = (
                f"version {previous.version} was itself rolled back from "
                f"({previous.tags[Tag.ROLLED_BACK]}); name it to roll back to it"
            )
            raise ChangeRefusedError(msg)
        return previous

    def _interrupted(self, champion: ModelVersion) -> ModelVersion | None:
        """Return the target of the last call, if it was interrupted between its two aliases."""
        entry = self.live.ledger.last_of(PREVIOUS)
        evidence = entry.change.evidence if entry else {}
        target = evidence.get(_TARGET)
        if target in {None, champion.version}:
            return None
        intended = self._known(str(target))
        digests = {None, intended.sha256 if intended else None}
        return intended if evidence.get(_TARGET_SHA256) in digests else None

    def _left_by(self, change: AliasChange) -> ModelVersion | None:
        """Return the version before a change, if the registry still has it."""
        version = self._known(change.from_version) if change.from_version else None
        return version if change.comes_from(version) else None

    def _known(self, version: str) -> ModelVersion | None:
        """Return a version of the ledger, or None if a rebuilt registry lacks it."""
        try:
            return self.live.registry.version(version)
        except VersionNotFoundError:
            return None

    def _loaded(self, target: ModelVersion) -> bytes:
        try:
            model = download_model(self.live.registry, target)
            check_and_load(model, target)
        except (ArtifactError, ModelRefusedError) as exc:
            msg = f"version {target.version} does not load, and nothing was changed: {exc}"
            raise ChangeRefusedError(msg) from exc
        return model

    def _mark(self, version: str, rolled_back: str) -> None:
        """Set or clear the rolled-back tag, which prevents automatic promotion."""
        self.live.registry.set_tag(version, Tag.ROLLED_BACK, rolled_back)
