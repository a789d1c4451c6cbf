"""Apply the gate's verdict: promote, reject or hold a version."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from housing.errors import VersionChangedError
from housing.jobs.results import Held, Verdict
from housing.registry.alias_repair import Repair, repair
from housing.registry.exclusions import Exclusion
from housing.registry.live_model import LOCK_SECONDS, LiveModel, Reason, holder_of
from housing.registry.port import CHALLENGER, PRODUCTION, ModelVersion, Tag
from retrain.training.errors import ChampionChangedError
from retrain.training.model.metric import ERROR

HELD = "held"
"""Verdict tag of a version that waits for a person."""
_HEADING = "## Gate"
_HEADS = {"promoted": "Promoted", "rejected": "Not promoted", HELD: "Held"}
_NUMBERS = (
    *(f"challenger_{ERROR}", f"champion_{ERROR}", "champion_version", f"baseline_{ERROR}"),
    "holdout_rows",
    "change",
    "change_lower",
    "change_upper",
    "margin",
    "confidence",
)


def verdict_tags(verdict: Verdict) -> dict[str, str]:
    """Return the tags of a verdict; the verdict itself comes last."""
    numbers = verdict.model_dump(include=set(_NUMBERS), exclude_none=True)
    worse = [one.name for one in verdict.slices if one.is_worse]
    return {
        **{f"{Tag.GATE_PREFIX}{name}": _text(value) for name, value in numbers.items()},
        **({f"{Tag.GATE_PREFIX}worse_slices": ", ".join(worse)} if worse else {}),
        Tag.VERDICT_REASON: verdict.reason,
        Tag.VERDICT: _word(verdict),
    }


def _word(verdict: Verdict) -> str:
    if verdict.held:
        return HELD
    return "promoted" if verdict.promote else "rejected"


def with_verdict(card: str, verdict: Verdict) -> str:
    """Return a model card with its gate section replaced or appended."""
    before = card.partition(_HEADING)[0].rstrip()
    return "\n".join([before, "", *_section(verdict)]).lstrip()


def with_gate_of(card: str, described: str) -> str:
    """Return a model card with the gate section of an earlier one, if it has one."""
    _, heading, section = described.partition(_HEADING)
    return f"{card.rstrip()}\n\n{heading}{section}" if heading else card


def _section(verdict: Verdict) -> Iterator[str]:
    yield _HEADING
    yield f"{_HEADS[_word(verdict)]}: {verdict.reason}."
    if not verdict.slices:
        return
    yield ""
    yield f"| slice | rows | version {verdict.champion_version} | this version | change |"
    yield "|---|---|---|---|---|"
    for one in verdict.slices:
        change = f"{one.change:+.1%}{', too much' if one.is_worse else ''}"
        numbers = f"{one.champion_error:.4f} | {one.challenger_error:.4f} | {change}"
        yield f"| {one.name} | {one.rows:,} | {numbers} |"


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


_WAIT_SECONDS = 2 * LOCK_SECONDS  # a job outlasts the lock of one that died
_EVIDENCE = {
    *(f"challenger_{ERROR}", f"champion_{ERROR}", f"baseline_{ERROR}"),
    "change",
    "change_upper",
    "holdout_rows",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a version at the gate."""

    verdict: Verdict
    """The gate's verdict, or the one that holds the version."""
    held: Held | None


@dataclass(frozen=True, slots=True)
class Promoter:
    """Moves aliases for one job; every step is repeatable after a crash."""

    live: LiveModel
    model_name: str
    who: str
    on_repair: Callable[[Repair], None]
    """Called with each repair of a state that contradicted the ledger."""
    rollbacks_seen: int
    """Number of rollbacks before the job began."""

    def repair(self) -> None:
        """Finish interrupted alias changes, and record changes that bypassed the ledger.

        Raises:
            LeaseError: Another process holds the lock for too long.
        """
        with self.live.locked(self.who, wait_seconds=_WAIT_SECONDS):
            self._repair()

    def hold(self, part: str, *, job_id: str, why: str) -> None:
        """Hold a part: later jobs leave it out until a person releases it.

        Raises:
            LeaseError: As in ``repair``.
            ObjectError: The bucket cannot be read or written.
        """
        with self.live.locked(self.who, wait_seconds=_WAIT_SECONDS):
            self.live.finish_decisions()
            self.live.exclusions.exclude(part, "held", job_id=job_id, who=self.who, why=why)

    def apply(  # noqa: PLR0913 - a version, its model, its data, verdict and hold
        self,
        version: ModelVersion,
        verdict: Verdict,
        model: bytes,
        *,
        champion: ModelVersion | None,
        parts: Collection[str],
        held: Held | None = None,
    ) -> Outcome:
        """Promote a version, alias it as challenger, or hold it.

        A held version moves no alias. The verdict's tags are written last and mark the version as
        done.

        Args:
            version: The compared version.
            verdict: The gate's verdict.
            model: The version's ``model.onnx``.
            champion: The version that it was compared with.
            parts: Digests of the parts that it was trained on.
            held: Why its data is held, if it is; its held parts are recorded in a tag.

        Raises:
            ChampionChangedError: Production changed, or the version was rolled back; nothing is
                changed.
            VersionChangedError: The registry was rebuilt meanwhile; nothing is changed.
            LeaseError: As in ``repair``.
        """
        with self.live.locked(self.who, wait_seconds=_WAIT_SECONDS) as lock:
            self._repair()
            registered = self._registered(version)
            excluded = self.live.exclusions.load()
            trained_on = {*parts, *version.tags.get(Tag.HELD_PARTS, "").split(",")}
            out = {part: excluded[part] for part in trained_on if part in excluded}
            if self._is_in_production(version):
                held = None
            else:
                held = held or self._stop() or _excluded_meanwhile(out)
            if held:
                verdict = verdict.model_copy(
                    update={"promote": False, "held": True, "reason": held.reason}
                )
            else:
                self._check(registered, verdict, champion)
            tags = {**_held_parts(version, held, out), **verdict_tags(verdict)}
            card = with_verdict(version.description, verdict)
            self.live.registry.describe(version.version, card)
            reason = Reason(self.who, verdict.reason, verdict.model_dump(include=_EVIDENCE))
            lock.check()
            if verdict.promote:
                described = replace(version, description=card)
                self.live.put(described, model, reason, {**version.tags, **tags})
            elif not held:
                self.live.move(CHALLENGER, version, reason)
            for name, value in tags.items():
                self.live.registry.set_tag(version.version, name, value)
        return Outcome(verdict, held)

    def _is_in_production(self, version: ModelVersion) -> bool:
        """Return whether an earlier attempt of this job has promoted the version."""
        holder = holder_of(self.live.registry, PRODUCTION)
        return holder is not None and holder.identity == version.identity

    def _stop(self) -> Held | None:
        """Return why promotion is stopped: by a person, or by a rollback since the job began."""
        promotion = self.live.promotion.load()
        if promotion.notice:
            return Held(
                kind="stop", reason=promotion.notice, since=promotion.since, who=promotion.who
            )
        if promotion.rollbacks > self.rollbacks_seen:
            return Held(kind="stop", reason="there was a rollback while the job ran")
        return None

    def _registered(self, version: ModelVersion) -> ModelVersion:
        """Return the registered version; a rebuilt registry may have another one of that number."""
        registered = self.live.registry.version(version.version)
        if registered.identity != version.identity:
            raise VersionChangedError(version.version)
        return registered

    def _check(
        self, version: ModelVersion, verdict: Verdict, champion: ModelVersion | None
    ) -> None:
        holder = holder_of(self.live.registry, PRODUCTION)
        now = holder.identity if holder else None
        judged_against = champion.identity if champion else None
        was_rolled_back = version.tags.get(Tag.ROLLED_BACK)
        # An earlier attempt of this job may have promoted it and died.
        if now not in {judged_against, version.identity} or (verdict.promote and was_rolled_back):
            other = holder.version if holder else None
            msg = f"version {other} came into production while version {version.version} was judged"
            raise ChampionChangedError(msg)

    def _repair(self) -> None:
        for one in repair(self.live, self.model_name, who=self.who):
            self.on_repair(one)


def _excluded_meanwhile(out: Mapping[str, Exclusion]) -> Held | None:
    """Return why a version is held whose rows were excluded while it was trained."""
    for exclusion in out.values():
        reason = f"rows of job {exclusion.job_id} that it was trained on are {exclusion.notice}"
        return Held(kind="excluded", reason=reason, jobs=[exclusion.job_id])
    return None


def _held_parts(
    version: ModelVersion, held: Held | None, out: Mapping[str, Exclusion]
) -> dict[str, str]:
    """Return the tag that lists the parts to release with a version."""
    parts = ",".join(sorted(part for part, one in out.items() if one.state == "held"))
    is_noted = bool(version.tags.get(Tag.HELD_PARTS))
    if held:
        return {Tag.HELD_PARTS: parts} if parts else {}
    return {Tag.HELD_PARTS: ""} if is_noted else {}
