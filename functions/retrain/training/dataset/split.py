"""Split a snapshot into fitting and held-out rows."""

from dataclasses import dataclass

from retrain.training.dataset.rows import Rows
from retrain.training.dataset.snapshot import Snapshot
from retrain.training.errors import TooFewRowsError

_MINIMUM_PART = 10


@dataclass(frozen=True, slots=True)
class Split:
    """The two sides of a snapshot.

    Attributes:
        fitting: Rows to fit on.
        holdout: Held-out rows; no version is fitted on them or on a near copy of them.
        copies: Number of held-out rows with a near copy among the fitted; they are in neither.
    """

    fitting: Rows
    holdout: Rows
    copies: int = 0


def split(snapshot: Snapshot, *, min_rows: int) -> Split:
    """Split a snapshot by the sides of its rows.

    Raises:
        TooFewRowsError: There are fewer than ``min_rows``, or one side is too small.
    """
    if len(snapshot) < min_rows:
        msg = f"the data set has {len(snapshot):,} rows, {min_rows:,} are needed"
        raise TooFewRowsError(msg)
    parts = Split(
        fitting=Rows.of(snapshot.rows[~snapshot.is_held_out]),
        holdout=Rows.of(snapshot.rows[snapshot.judges]),
        copies=int((snapshot.is_held_out & snapshot.has_fitted_copy).sum()),
    )
    if len(parts.holdout) < _MINIMUM_PART:
        msg = (
            f"{len(parts.holdout)} of the data set's {len(snapshot):,} rows would be held out; "
            f"{_MINIMUM_PART} are needed"
        )
        raise TooFewRowsError(msg)
    return parts
