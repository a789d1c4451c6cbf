"""Acting on the gate's verdict."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from housing.errors import VersionChangedError
from housing.jobs.findings import Verdict
from housing.registry.alias_repair import Repair, repair
from housing.registry.live_model import LOCK_SECONDS, LiveModel, Reason, holder_of
from housing.registry.port import CHALLENGER, PRODUCTION, ModelVersion, Tag
from retrain.training.errors import ChampionChangedError
from retrain.training.gate.gate_report import verdict_tags, with_verdict

_WAIT_SECONDS = 2 * LOCK_SECONDS  # a job outlasts the lock of one that died
_EVIDENCE = {
    "challenger_rmse",
    "champion_rmse",
    "baseline_rmse",
    "change",
    "change_upper",
    "holdout_rows",
}


@dataclass(frozen=True, slots=True)
class Promoter:
    """Changes what is live on behalf of one job; every step may be repeated after a crash."""

    live: LiveModel
    model_name: str
    who: str
    told: Callable[[Repair], None]
    """Called with each thing that was not as the ledger says."""

    def repair(self) -> None:
        """Finish what others left unfinished, and note what they changed past the ledger.

        Raises:
            LeaseError: Another is changing aliases, and does not end.
        """
        with self.live.locked(self.who, wait_seconds=_WAIT_SECONDS):
            self._repair()

    def apply(
        self,
        version: ModelVersion,
        verdict: Verdict,
        model: bytes,
        *,
        champion: ModelVersion | None,
    ) -> None:
        """Promote a version, or mark it as the challenger that was not good enough.

        The verdict's tags are written last: a version that has them is done.

        Args:
            version: The version that was judged.
            verdict: The gate's.
            model: Its ``model.onnx``.
            champion: The version in production that it was judged against.

        Raises:
            ChampionChangedError: Another is in production by now, or the version was rolled back
                from; nothing is changed.
            VersionChangedError: The registry was rebuilt meanwhile; the same.
            LeaseError: As in ``repair``.
        """
        with self.live.locked(self.who, wait_seconds=_WAIT_SECONDS) as lock:
            self._repair()
            self._check(version, verdict, champion)
            tags = verdict_tags(verdict)
            card = with_verdict(version.description, verdict)
            self.live.registry.describe(version.version, card)
            reason = Reason(self.who, verdict.reason, verdict.model_dump(include=_EVIDENCE))
            lock.check()
            if verdict.promote:
                told = replace(version, description=card)
                self.live.put(told, model, reason, {**version.tags, **tags})
            else:
                self.live.move(CHALLENGER, version, reason)
            for name, value in tags.items():
                self.live.registry.set_tag(version.version, name, value)

    def _check(
        self, version: ModelVersion, verdict: Verdict, champion: ModelVersion | None
    ) -> None:
        registered = self.live.registry.version(version.version)
        if registered.identity != version.identity:
            raise VersionChangedError(version.version)
        holder = holder_of(self.live.registry, PRODUCTION)
        now = holder.identity if holder else None
        judged_against = champion.identity if champion else None
        was_rolled_back = registered.tags.get(Tag.ROLLED_BACK)
        # A first try of this very job may have promoted it, and broken off.
        if now not in {judged_against, version.identity} or (verdict.promote and was_rolled_back):
            other = holder.version if holder else None
            msg = f"version {other} came into production while version {version.version} was judged"
            raise ChampionChangedError(msg)

    def _repair(self) -> None:
        for one in repair(self.live, self.model_name, who=self.who):
            self.told(one)
