"""Which rows are fitted and which judge: decided by each row's hash.

A row lands in the same part in every snapshot, so that a champion was never fitted on the rows
that it and its challenger are judged on.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain.training.dataset.dataset import Snapshot
from retrain.training.dataset.row_hash import Hashes
from retrain.training.dataset.rows import Rows
from retrain.training.errors import TooFewRowsError

_MINIMUM_PART = 10
_HASH_VALUES = 2.0**64


@dataclass(frozen=True, slots=True)
class Split:
    """The two parts of a snapshot."""

    fitting: Rows
    holdout: Rows


def split(snapshot: Snapshot, *, holdout_share: float, min_rows: int) -> Split:
    """Split a snapshot by the hashes of its rows.

    Raises:
        TooFewRowsError: It has fewer than ``min_rows``, or a part of it would be too small.
    """
    if len(snapshot) < min_rows:
        msg = f"the data set has {len(snapshot):,} rows, {min_rows:,} are needed"
        raise TooFewRowsError(msg)
    is_holdout = are_held_out(snapshot.hashes, holdout_share)
    parts = Split(*(Rows.of(snapshot.rows[mask]) for mask in (~is_holdout, is_holdout)))
    if len(parts.holdout) < _MINIMUM_PART:
        msg = (
            f"of the data set's {len(snapshot):,} rows {len(parts.holdout)} would judge the model; "
            f"{_MINIMUM_PART} are needed"
        )
        raise TooFewRowsError(msg)
    return parts


def are_held_out(hashes: Hashes, holdout_share: float) -> NDArray[np.bool_]:
    """Say of each row whether it judges, in every snapshot: its place in 0 … 1 is in the share."""
    is_held_out: NDArray[np.bool_] = hashes[:, 0] / _HASH_VALUES < holdout_share
    return is_held_out
