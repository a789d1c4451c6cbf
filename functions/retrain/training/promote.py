"""Acting on the gate's verdict."""

from dataclasses import dataclass

from housing.jobs import Verdict
from housing.live_model import LiveModel, Reason
from housing.registry import CHALLENGER, ModelVersion, Tag


@dataclass(frozen=True, slots=True)
class Promoter:
    """Changes what is live on behalf of one job; every step may be repeated after a crash."""

    live: LiveModel
    who: str

    def apply(self, version: ModelVersion, verdict: Verdict, model: bytes) -> None:
        """Promote a version, or mark it as the challenger that was not good enough.

        The verdict's tags are written last: a version that has them is done.
        """
        tags = {
            Tag.VERDICT: "promoted" if verdict.promote else "rejected",
            Tag.VERDICT_REASON: verdict.reason,
        }
        evidence = verdict.model_dump(include={"challenger_rmse", "champion_rmse"})
        reason = Reason(self.who, verdict.reason, evidence)
        if verdict.promote:
            self.live.put(version, model, reason, {**version.tags, **tags})
        else:
            self.live.move(CHALLENGER, version, reason)
        for name, value in reversed(tags.items()):
            self.live.registry.set_tag(version.version, name, value)
