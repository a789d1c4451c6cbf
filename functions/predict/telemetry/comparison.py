"""What a challenger says of rows that were already priced, beside what was answered."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predict.model.predictor import Predictor
from predict.scoring.validation import Matrix

TIMED_OUT = "timed_out"
"""Says of a comparison that it took longer than its budget, in place of differences."""

_LOGGED_ROWS = 10


@dataclass(frozen=True, slots=True)
class Differences:
    """How far a challenger's prices are from those that were answered, in $100,000.

    ``prices`` are those of a few rows: the answered one, then the challenger's.
    """

    mean: float
    worst: float
    latency_ms: float
    prices: Sequence[tuple[float, float]]


def compare(predictor: Predictor, features: Matrix, answered: NDArray[np.float32]) -> Differences:
    """Price rows once more and compare.

    Args:
        predictor: The challenger.
        features: The rows, ``[n, 8]`` in schema order, at least one.
        answered: Their prices as they were answered, ``[n]``, in $100,000.

    Raises:
        ModelOutputError: The challenger fails, or answers no finite numbers.
    """
    started = time.perf_counter()
    found = predictor.predict_columns(features).price
    latency_ms = round((time.perf_counter() - started) * 1_000, 3)
    apart = np.abs(found.astype(np.float64) - answered)
    places = np.linspace(0, len(found) - 1, min(len(found), _LOGGED_ROWS)).astype(int)
    pairs = np.column_stack((answered, found))[places].tolist()
    return Differences(
        mean=float(apart.mean()),
        worst=float(apart.max()),
        latency_ms=latency_ms,
        prices=[(before, after) for before, after in pairs],
    )
