"""Apply the hold rule to a snapshot: select uploads that contradict or copy production's data."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from housing.jobs.results import Held
from housing.schema import DOLLARS_PER_UNIT, FEATURE_NAMES, PLACE
from retrain.training.anomaly.contradictions import Table
from retrain.training.anomaly.priced import Priced
from retrain.training.dataset.rows import Rows
from retrain.training.dataset.snapshot import Snapshot
from retrain.training.gate.champion import Champion
from retrain.training.gate.hold import Hold, KnownData, NewData, examine, held_of
from retrain.training.rules import HoldRule

_PLACE = [FEATURE_NAMES.index(name) for name in PLACE]
_LAST_UPLOADS = 10
_LAST_SHARE = 0.1
"""The champion's last ten uploads, up to a tenth of its rows, are examined again: poison may come
in small doses."""


@dataclass(frozen=True, slots=True)
class HeldUploads:
    """Job ids of the uploads that wait for a person, and the reason."""

    jobs: frozenset[str]
    held: Held


def held_uploads(
    snapshot: Snapshot,
    champion: Champion | None,
    *,
    released: Collection[str],
    rule: HoldRule,
) -> HeldUploads | None:
    """Return the uploads that need review, or None.

    Args:
        snapshot: All rows.
        champion: The version in production.
        released: Jobs whose uploads a person has released.
        rule: Limits above which uploads are held.
    """
    hold = examined(snapshot, champion, released=released, rule=rule)
    if champion is None or hold is None or not hold.is_held:
        return None
    pending = _pending(snapshot, champion, released)
    jobs = frozenset(snapshot.uploads[number] for number in hold.uploads) & pending
    if not jobs:
        return None
    held = held_of(hold, snapshot.uploads)
    return HeldUploads(jobs, held.model_copy(update={"jobs": sorted(jobs)}))


def examined(
    snapshot: Snapshot,
    champion: Champion | None,
    *,
    released: Collection[str],
    rule: HoldRule,
) -> Hold | None:
    """Examine the rows that are new to the champion; None if there are none."""
    if champion is None or champion.model is None or champion.needs_stand_in:
        return None
    is_pending = snapshot.brought_by(_pending(snapshot, champion, released))
    is_new = is_pending | _are_of_last_uploads(snapshot, champion)
    judges = snapshot.judges & ~is_new
    if not is_pending.any() or not judges.any():
        return None
    known, new = Rows.of(snapshot.rows[~is_new]), Rows.of(snapshot.rows[is_new])
    judging = Rows.of(snapshot.rows[judges])
    return examine(
        NewData(
            Priced(new, champion.predict(new.features)),
            uploads=snapshot.standing_upload[is_new],
            are_revised=(snapshot.first_upload != snapshot.standing_upload)[is_new],
        ),
        KnownData(
            Priced(judging, champion.predict(judging.features)), known, snapshot.judges[~is_new]
        ),
        Table.of(known, FEATURE_NAMES, _PLACE, _in_dollars),
        rule,
    )


def _pending(snapshot: Snapshot, champion: Champion, released: Collection[str]) -> frozenset[str]:
    """Return the jobs whose uploads are new to the champion and not released."""
    return frozenset(snapshot.uploads) - champion.uploads - frozenset(released)


def _are_of_last_uploads(snapshot: Snapshot, champion: Champion) -> NDArray[np.bool_]:
    """Return the mask of rows from the champion's newest uploads, ``[n]``."""
    own = snapshot.brought_by(champion.uploads)
    are = np.zeros(len(snapshot), dtype=bool)
    newest_first = [job for job in reversed(snapshot.uploads) if job in champion.uploads]
    for job in newest_first[:_LAST_UPLOADS]:
        more = are | snapshot.brought_by({job})
        if more.sum() > _LAST_SHARE * own.sum():
            break
        are = more
    return are


def _in_dollars(price: float) -> str:
    return f"${price * DOLLARS_PER_UNIT:,.0f}"
