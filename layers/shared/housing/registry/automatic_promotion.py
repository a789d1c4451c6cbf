"""Automatic promotion: stopped by a rollback, resumed by ``housing resume``.

The state is changed under the lock of ``housing.registry.live_model``, so that no job promotes
between a stop and the aliases that move after it.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from housing.registry.ledger import Decision, Ledger
from housing.s3.layout import MODELS
from housing.s3.state import StateDocument

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PROMOTION = f"{MODELS}promotion.json"


class AutomaticPromotion(BaseModel):
    """Whether jobs may promote; they may by default."""

    model_config = ConfigDict(frozen=True)

    stopped: bool = False
    since: AwareDatetime | None = None
    who: str | None = None
    why: str | None = None
    rollbacks: int = Field(
        0, description="rollbacks so far; a job that has seen fewer promotes nothing"
    )

    @property
    def notice(self) -> str | None:
        """Description of the stop, with the command that ends it; None without a stop."""
        if not self.stopped or self.since is None:
            return None
        since = f"{self.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return f"automatic promotion is stopped since {since} by {self.who}: housing resume"

    def after(self, decision: Decision) -> Self:
        """Return the state after a decision; a second stop changes nothing."""
        if decision.kind == "promotion_stopped" and not self.stopped:
            stop = {"since": decision.when, "who": decision.who, "why": decision.why}
            return self.model_copy(update={"stopped": True, **stop})
        if decision.kind == "promotion_resumed":
            none = dict.fromkeys(("since", "who", "why"))
            return self.model_copy(update={"stopped": False, **none})
        return self

    def counted(self) -> Self:
        """Return the state after one more rollback."""
        return self.model_copy(update={"rollbacks": self.rollbacks + 1})


class PromotionSwitch:
    """The state at ``models/promotion.json``; each change has an entry in the ledger.

    All methods raise ``ObjectError`` if the bucket is unavailable, and ``LedgerError`` if another
    process wrote the same entry. Call ``stop``, ``resume`` and ``apply`` under the lock.
    """

    def __init__(self, s3: "S3Client", bucket: str, ledger: Ledger) -> None:
        self._document = StateDocument(s3, bucket, PROMOTION, AutomaticPromotion)
        self._ledger = ledger

    def load(self) -> AutomaticPromotion:
        """Return whether jobs may promote."""
        return self._document.load()

    def stop(self, *, who: str, why: str) -> AutomaticPromotion:
        """Stop automatic promotion for a rollback, and count it; return the state.

        An earlier stop keeps its time, author and reason.
        """
        if not self.load().stopped:
            self._decide("promotion_stopped", who, why)
        return self._document.change(AutomaticPromotion.counted)

    def resume(self, *, who: str, why: str) -> AutomaticPromotion:
        """Resume; return the state before."""
        before = self.load()
        if before.stopped:
            self._decide("promotion_resumed", who, why)
        return before

    def apply(self, decision: Decision) -> None:
        """Apply a decision of the ledger; idempotent."""
        self._document.change(lambda state: state.after(decision))

    def _decide(
        self, kind: Literal["promotion_stopped", "promotion_resumed"], who: str, why: str
    ) -> None:
        decision = Decision(kind=kind, who=who, when=datetime.now(UTC), why=why)
        self._ledger.decide(decision, self.apply)
