"""Parity checks of the exported graph: with the fitted model, and with the tree library."""

import logging
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from onnxruntime import InferenceSession

from housing.onnx_session import ONNX_ERRORS, graph_inputs, open_session
from housing.schema import SUBJECT, in_unit
from housing.tree_library import LIBRARY, identity
from retrain.training.dataset.rows import Values
from retrain.training.errors import ParityError, TreeParityError
from retrain.training.model.evaluation import Predictions, joined, opened, score
from retrain.training.model.fit import Fitted
from retrain.training.model.tensor_ops import Floats
from retrain.training.model.workers import InThisProcess, TaskRunner

_TREE_ROWS = 1_000
_LOG = logging.getLogger(__name__)


_LIMITS_HOLD_UP_TO = 5.00001
"""Target up to which the limits of differences hold as they are."""
_ROWS_AT_ONCE = 5_000
"""Rows per batch: their features take about a kilobyte each, and batches run side by side."""


@dataclass(frozen=True, slots=True)
class Parity:
    """Differences between graph and fitted model over all rows, in $100,000.

    The difference of a row is the largest of its price, lower and upper limit.

    Attributes:
        predictions: The graph's, of all rows.
    """

    worst: float
    p99: float
    predictions: Predictions = field(compare=False, repr=False)


def check_parity(  # noqa: PLR0913 - both models, the rows, limits and processes
    model: bytes,
    fitted: Fitted,
    features: Floats,
    workers: TaskRunner | None = None,
    /,
    *,
    worst: float,
    p99: float,
) -> Parity:
    """Predict rows with both and compare.

    Limits are compared around the graph's price: the expected error and the band are steps of the
    price, so that a last bit of it may rightly change them.

    Args:
        model: The serialized graph.
        fitted: The model that it was written from.
        features: The rows, ``[n, 8]``.
        workers: Predict batches of rows.
        worst: The largest difference allowed, for targets up to 5. Float32 has seven digits, so
            the limit grows with the largest fitted target beyond it.
        p99: The same of the 99th percentile.

    Raises:
        ModelLoadError: The graph cannot be run.
        ParityError: They differ by more than that.
    """
    workers = workers or InThisProcess()
    batches = [
        workers.start(_differences, model, fitted, features[start : start + _ROWS_AT_ONCE])
        for start in range(0, len(features), _ROWS_AT_ONCE)
    ]
    answers, largest = zip(*(batch.get() for batch in batches), strict=True)
    differences = np.concatenate(largest)
    parity = Parity(
        float(differences.max()), float(np.quantile(differences, 0.99)), joined(answers)
    )
    scale = _scale(fitted)
    if parity.worst > scale * worst or parity.p99 > scale * p99:
        msg = (
            f"the ONNX graph differs from the fitted model by up to {parity.worst:.2g} "
            f"({parity.p99:.2g} at the 99th percentile){in_unit()}; "
            f"{scale * worst:.2g} ({scale * p99:.2g}) is the limit"
        )
        raise ParityError(msg)
    return parity


def _scale(fitted: Fitted) -> float:
    """Return what the limits, which hold for targets up to 5, are multiplied by."""
    interval = fitted.interval
    if interval is None:
        return 1.0
    largest = max(abs(interval.dearest), abs(interval.floor))
    return max(SUBJECT.scale or 0.0, largest / _LIMITS_HOLD_UP_TO)


def _differences(model: bytes, fitted: Fitted, features: Floats) -> tuple[Predictions, Values]:
    """Return the graph's predictions, and how far those of the fitted model are from them."""
    graph = score(model, features)
    arrays = fitted.predictions(features, interval_of=graph.price)
    pairs = (
        (graph.price, arrays.price),
        (graph.lower, arrays.lower),
        (graph.upper, arrays.upper),
    )
    return graph, np.max([np.abs(ours - theirs) for ours, theirs in pairs], axis=0)


def check_trees(
    model: bytes,
    features: Floats,
    library: Path = LIBRARY,
    workers: TaskRunner | None = None,
) -> str | None:
    """Predict rows with the tree library and with ONNX Runtime alone, and compare all bits.

    Nothing is compared if the library is not installed or rejects the graph: the service does not
    use it then either.

    Args:
        model: The serialized graph.
        features: The rows, ``[n, 8]``.
        library: Path of the library.
        workers: Predict batches of rows.

    Returns:
        The ``identity`` of the compared library, or None.

    Raises:
        TreeParityError: A prediction differs.
    """
    if not library.exists():
        _LOG.info("trees_not_compared", extra={"reason": f"{library.name} is not installed"})
        return None
    try:
        _with_library(model, library)
    except ONNX_ERRORS as exc:
        _LOG.warning("trees_not_compared", extra={"reason": str(exc)})
        return None
    workers = workers or InThisProcess()
    batches = [
        workers.start(_unequal, model, library, features[start : start + _ROWS_AT_ONCE])
        for start in range(0, len(features), _ROWS_AT_ONCE)
    ]
    different = sum(batch.get() for batch in batches)
    if different:
        raise TreeParityError(different, len(features))
    _LOG.info("trees_compared", extra={"rows": len(features)})
    return identity(library)


@lru_cache(maxsize=1)
def _with_library(model: bytes, library: Path) -> InferenceSession:
    return open_session(model, library)


def _unequal(model: bytes, library: Path, features: Floats) -> int:
    """Return on how many rows the two differ in any bit."""
    fast, plain = _with_library(model, library), opened(model)
    different = 0
    for start in range(0, len(features), _TREE_ROWS):
        rows = graph_inputs(features[start : start + _TREE_ROWS], plain.get_inputs()[0].name)
        answers = zip(fast.run(None, rows), plain.run(None, rows), strict=True)
        unequal = [ours.view(np.uint32) != theirs.view(np.uint32) for ours, theirs in answers]
        different += int(np.any(np.column_stack(unequal), axis=1).sum())
    return different
