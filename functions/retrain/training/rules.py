"""Limits of the gate and of the hold rule; imports no numeric library."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GateRules:
    """Limits on how much worse a challenger may be, as shares of the champion's RMSE."""

    margin: float
    confidence: float
    slice_limit: float
    slice_min_rows: int


@dataclass(frozen=True, slots=True)
class CopyRule:
    """Limits on the share of copies beyond the allowed share.

    Attributes:
        of_new: Share of all new rows, or of one upload's.
        of_held_out: Share of the held-out known rows that have a copy.
    """

    of_new: float
    of_held_out: float


@dataclass(frozen=True, slots=True)
class HoldRule:
    """Limits above which new rows are held.

    Attributes:
        score: Limit of a scan's score.
        copies: Limits on the shares of copies.
    """

    score: float
    copies: CopyRule
