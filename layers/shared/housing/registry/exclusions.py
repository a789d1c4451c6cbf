"""Parts of the data set that no snapshot holds: excluded by a person, or held by a job.

The parts themselves stay in the bucket and can come back. The list is changed under the lock of
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
    """Why a part is left out, since when, and who decided it."""

    model_config = ConfigDict(frozen=True)

    state: ExclusionState
    job_id: str
    who: str
    when: AwareDatetime
    why: str

    @property
    def notice(self) -> str:
        """The exclusion in a sentence, with the command that ends it."""
        when = f"{self.when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return (
            f"{self.state} since {when} by {self.who} ({self.why}): "
            f"housing data include {self.job_id}"
        )


class _Excluded(BaseModel):
    """The document: each part that is left out, by its digest, and those that a person let in."""

    model_config = ConfigDict(frozen=True)

    parts: dict[str, Exclusion] = {}
    released: frozenset[str] = frozenset()

    def after(self, decision: Decision) -> Self:
        """Return the list in which a decision holds."""
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
    """The list at ``lineage/exclusions.json``; each change of it has an entry in the ledger.

    All methods raise ``ObjectError`` where the bucket is out of reach and ``LedgerError`` where
    another wrote the same entry. ``exclude``, ``include`` and ``apply`` are called under the lock.
    """

    def __init__(self, s3: "S3Client", bucket: str, ledger: Ledger) -> None:
        """Use an S3 client on one bucket, and its ledger."""
        self._document = StateDocument(s3, bucket, EXCLUSIONS, _Excluded)
        self._ledger = ledger

    def load(self) -> Mapping[str, Exclusion]:
        """Return the parts that are left out, by the digest of their rows."""
        return self._document.load().parts

    def released(self) -> frozenset[str]:
        """Return the parts that a person let in: no job holds them again."""
        return self._document.load().released

    def exclude(self, part: str, state: ExclusionState, *, job_id: str, who: str, why: str) -> bool:
        """Leave a part out of every snapshot to come; return whether that is a change.

        A part that a person excluded is not held on top of it.

        Args:
            part: Digest of its rows.
            state: ``excluded`` by a person, or ``held`` by a job until a person decides.
            job_id: The job that brought it.
            who: For the ledger.
            why: For the ledger.
        """
        standing = self.load().get(part)
        if standing and standing.state in {state, "excluded"}:
            return False
        self._decide(_KINDS[state], part, job_id, who, why)
        return True

    def include(self, part: str, *, who: str, why: str) -> bool:
        """Have snapshots hold a part again; return whether that is a change."""
        standing = self.load().get(part)
        if standing is None:
            return False
        self._decide("data_included", part, standing.job_id, who, why)
        return True

    def apply(self, decision: Decision) -> None:
        """Put a decision of the ledger into effect; twice does no harm."""
        self._document.change(lambda excluded: excluded.after(decision))

    def _decide(self, kind: DataDecision, part: str, job_id: str, who: str, why: str) -> None:
        decision = Decision(
            kind=kind, who=who, when=datetime.now(UTC), why=why, part=part, job_id=job_id
        )
        self._ledger.decide(decision, self.apply)
