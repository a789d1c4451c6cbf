"""Limits of the gate and of the hold rule; no numeric library is loaded for them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GateRules:
    """How much worse is still as good; shares of the champion's RMSE."""

    margin: float
    confidence: float
    slice_limit: float
    slice_min_rows: int


@dataclass(frozen=True, slots=True)
class CopyRule:
    """Shares of copies, beyond the allowed ones, from which on they are too many.

    Attributes:
        of_new: Of the new rows, or of one upload's.
        of_held_out: Of the known rows that judge, those that have a copy.
    """

    of_new: float
    of_held_out: float


@dataclass(frozen=True, slots=True)
class HoldRule:
    """Limits from which on new rows are held.

    Attributes:
        score: Of a scan.
        copies: Shares of copies.
    """

    score: float
    copies: CopyRule
