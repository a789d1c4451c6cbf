"""Exclusions: parts of the data set that snapshots leave out, by a person or held by a job.

The parts stay in the bucket and can be included again. The list is changed under the lock of
``housing.registry.live_model``, so that no job promotes a version of rows that were just excluded.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

from housing.registry.ledger import Decision, Ledger
from housing.s3.layout import LINEAGE
from housing.s3.state import StateDocument

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EXCLUSIONS = f"{LINEAGE}exclusions.json"
ExclusionState = Literal["excluded", "held"]
DataDecision = Literal["data_excluded", "data_held", "data_included"]
_KINDS: Mapping[ExclusionState, DataDecision] = {"excluded": "data_excluded", "held": "data_held"}
_STATES: Mapping[str, ExclusionState] = {kind: state for state, kind in _KINDS.items()}


class Exclusion(BaseModel):
    """State of an excluded part: reason, time and author."""

    model_config = ConfigDict(frozen=True)

    state: ExclusionState
    job_id: str
    who: str
    when: AwareDatetime
    why: str

    @property
    def notice(self) -> str:
        """Description of the exclusion, with the command that ends it."""
        when = f"{self.when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return (
            f"{self.state} since {when} by {self.who} ({self.why}): "
            f"housing data include {self.job_id}"
        )


class _Excluded(BaseModel):
    """The document: excluded parts by digest, and parts that a person included."""

    model_config = ConfigDict(frozen=True)

    parts: dict[str, Exclusion] = {}
    released: frozenset[str] = frozenset()

    def after(self, decision: Decision) -> Self:
        """Return the list after a decision."""
        part = decision.part or ""
        parts = {digest: one for digest, one in self.parts.items() if digest != part}
        state = _STATES.get(decision.kind)
        if state:
            parts[part] = Exclusion(
                state=state,
                job_id=decision.job_id or "",
                who=decision.who,
                when=decision.when,
                why=decision.why,
            )
        released = self.released - {part} if state else self.released | {part}
        return self.model_copy(update={"parts": parts, "released": released})


class Exclusions:
    """The list at ``lineage/exclusions.json``; each change has an entry in the ledger.

    All methods raise ``ObjectError`` if the bucket is unavailable, and ``LedgerError`` if another
    process wrote the same entry. Call ``exclude``, ``include`` and ``apply`` under the lock.
    """

    def __init__(self, s3: "S3Client", bucket: str, ledger: Ledger) -> None:
        self._document = StateDocument(s3, bucket, EXCLUSIONS, _Excluded)
        self._ledger = ledger

    def load(self) -> Mapping[str, Exclusion]:
        """Return the excluded parts by the digest of their rows."""
        return self._document.load().parts

    def released(self) -> frozenset[str]:
        """Return the parts that a person included: no job holds them again."""
        return self._document.load().released

    def exclude(self, part: str, state: ExclusionState, *, job_id: str, who: str, why: str) -> bool:
        """Exclude a part from all later snapshots; return whether that is a change.

        A part that a person excluded cannot be held as well.

        Args:
            part: Digest of its rows.
            state: ``excluded`` by a person, or ``held`` by a job until a person decides.
            job_id: The job that added it.
            who: For the ledger.
            why: For the ledger.
        """
        standing = self.load().get(part)
        if standing and standing.state in {state, "excluded"}:
            return False
        self._decide(_KINDS[state], part, job_id, who, why)
        return True

    def include(self, part: str, *, who: str, why: str) -> bool:
        """Include a part again; return whether that is a change."""
        standing = self.load().get(part)
        if standing is None:
            return False
        self._decide("data_included", part, standing.job_id, who, why)
        return True

    def apply(self, decision: Decision) -> None:
        """Apply a decision of the ledger; idempotent."""
        self._document.change(lambda excluded: excluded.after(decision))

    def _decide(self, kind: DataDecision, part: str, job_id: str, who: str, why: str) -> None:
        decision = Decision(
            kind=kind, who=who, when=datetime.now(UTC), why=why, part=part, job_id=job_id
        )
        self._ledger.decide(decision, self.apply)
