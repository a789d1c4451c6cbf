"""Uploads whose classes production holds for too unlikely.

Of a class with a probability, the log loss has a known mean and variance. An upload whose loss is
above that sum, beyond chance and beyond what an honest change of the world adds, is a
contradiction: labels that were turned over, or a column that means something else.
"""

import numpy as np
from scipy.special import log_ndtr

from retrain.training.anomaly.contradictions import Contradiction, Side
from retrain.training.anomaly.priced import Priced
from retrain.training.anomaly.scan import Indices
from retrain.training.dataset.rows import Values

_LEAST_ROWS = 30
_HONEST_SHARE = 0.1
"""Standard deviation of an honest upload's loss, as a share of the expected one, beside chance."""
_LEAST_PROBABILITY = 1e-7


def surprising_uploads(
    priced: Priced, uploads: Indices, *, limit: float
) -> tuple[float, list[Contradiction]]:
    """Return the highest score of an upload, and those that reach the limit, the worst first.

    Args:
        priced: The n rows with their classes and production's probabilities.
        uploads: Upload of each row, ``[n]``.
        limit: A score of 3 occurs by chance in less than one job of a thousand.
    """
    numbers, counts = np.unique(uploads, return_counts=True)
    scored = []
    for number in numbers[counts >= _LEAST_ROWS]:
        rows = uploads == number
        probability = np.clip(
            priced.predicted.price[rows], _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY
        )
        score = _score(probability, priced.rows.prices[rows] > 0) - np.log10(len(numbers))
        scored.append((float(score), int(number), probability, priced.rows.prices[rows]))
    scored.sort(key=lambda one: -one[0])
    held = [_described(*one[1:]) for one in scored if one[0] >= limit]
    return (scored[0][0] if scored else -np.inf), held


def sentence_of_classes(one: Contradiction) -> str:
    """Return a sentence that describes a contradiction."""
    return (
        f"{one.rows:,} of {one.of_rows:,} new rows have the class that production finds less "
        f"likely, {one.expected:.1f} expected by chance: {one.new_price:.1%} are true, production "
        f"predicts {one.champion_price:.1%}"
    )


def _score(probability: Values, is_true: Values) -> float:
    """Return minus the decimal logarithm of the chance of so large a loss."""
    logit = np.log(probability / (1 - probability))
    loss = -np.log(np.where(is_true, probability, 1 - probability)).sum()
    expected = -(
        probability * np.log(probability) + (1 - probability) * np.log(1 - probability)
    ).sum()
    variance = (probability * (1 - probability) * logit**2).sum()
    deviation = np.sqrt(variance + (_HONEST_SHARE * expected) ** 2)
    return float(-log_ndtr(-(loss - expected) / deviation) / np.log(10))


def _described(number: int, probability: Values, truth: Values) -> Contradiction:
    side: Side = "above" if truth.mean() > probability.mean() else "below"
    return Contradiction(
        latitude=None,
        longitude=None,
        radius_km=None,
        alike="all kinds of values",
        side=side,
        size=0.0,
        rows=int((np.abs(truth - probability) > 1 / 2).sum()),
        of_rows=len(truth),
        expected=float(np.minimum(probability, 1 - probability).sum()),
        champion_price=float(probability.mean()),
        new_price=float(truth.mean()),
        uploads=(number,),
    )
