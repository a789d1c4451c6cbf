"""Parity check: compare the exported graph with the fitted model."""

from dataclasses import dataclass

import numpy as np

from housing.schema import TARGET_CAP
from retrain.training.dataset.rows import Values
from retrain.training.errors import ParityError
from retrain.training.model.evaluation import score
from retrain.training.model.fit import Fitted
from retrain.training.model.tensor_ops import Floats

_ROWS_AT_ONCE = 50_000
"""Their features take about a kilobyte a row."""


@dataclass(frozen=True, slots=True)
class Parity:
    """Differences between graph and fitted model over all rows, in $100,000.

    The difference of a row is the largest of its price, lower and upper limit.
    """

    worst: float
    p99: float


def check_parity(
    model: bytes, fitted: Fitted, features: Floats, *, worst: float, p99: float
) -> Parity:
    """Predict rows with both and compare.

    Limits are compared around the graph's price: the expected error and the band are steps of the
    price, so that a last bit of it may rightly change them.

    Args:
        model: The serialized graph.
        fitted: The model that it was written from.
        features: The rows, ``[n, 8]``.
        worst: The largest difference allowed, for prices up to the census's cap. Float32 has seven
            digits, so the limit grows with the dearest fitted price beyond it.
        p99: The same of the 99th percentile.

    Raises:
        ModelLoadError: The graph cannot be run.
        ParityError: They differ by more than that.
    """
    starts = range(0, len(features), _ROWS_AT_ONCE)
    differences = np.concatenate(
        [_differences(model, fitted, features[start : start + _ROWS_AT_ONCE]) for start in starts]
    )
    parity = Parity(float(differences.max()), float(np.quantile(differences, 0.99)))
    scale = max(1.0, fitted.interval.dearest / TARGET_CAP)
    if parity.worst > scale * worst or parity.p99 > scale * p99:
        msg = (
            f"the ONNX graph differs from the fitted model by up to {parity.worst:.2g} "
            f"({parity.p99:.2g} at the 99th percentile), in $100,000; "
            f"{scale * worst:.2g} ({scale * p99:.2g}) is the limit"
        )
        raise ParityError(msg)
    return parity


def _differences(model: bytes, fitted: Fitted, features: Floats) -> Values:
    graph = score(model, features)
    arrays = fitted.predictions(features, interval_of=graph.price)
    pairs = (
        (graph.price, arrays.price),
        (graph.lower, arrays.lower),
        (graph.upper, arrays.upper),
    )
    largest: Values = np.max([np.abs(ours - theirs) for ours, theirs in pairs], axis=0)
    return largest
