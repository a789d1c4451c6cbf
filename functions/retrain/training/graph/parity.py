"""Whether the exported graph predicts what the fitted pipeline predicts."""

from dataclasses import dataclass

import numpy as np

from retrain.training.dataset.rows import Values
from retrain.training.errors import ParityError


@dataclass(frozen=True, slots=True)
class Parity:
    """Differences between graph and pipeline over all rows, in $100,000."""

    worst: float
    p99: float


def check_parity(graph: Values, pipeline: Values, *, worst: float, p99: float) -> Parity:
    """Compare the prices of the same rows.

    Raises:
        ParityError: They differ by more than the limits.
    """
    differences = np.abs(graph - pipeline)
    found = Parity(float(differences.max()), float(np.quantile(differences, 0.99)))
    if found.worst > worst or found.p99 > p99:
        msg = (
            f"the ONNX graph differs from the fitted pipeline by up to {found.worst:.4f} "
            f"({found.p99:.4f} at the 99th percentile); {worst:g} ({p99:g}) is the limit"
        )
        raise ParityError(msg)
    return found
