"""Evaluate a model on held-out rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from sklearn.metrics import roc_auc_score

from housing.onnx_session import NEAREST_KM, ONNX_ERRORS, OUTPUTS, graph_inputs, open_session
from housing.schema import SUBJECT
from housing.tree_library import open_graph
from retrain.training.dataset.rows import Values
from retrain.training.errors import ModelLoadError
from retrain.training.model.metric import ERROR, IS_CLASSIFICATION, error

_PARTS = 10
_RUN_ROWS = 8_192
"""Of a run of the graph, whose values take some 5 kB a row."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """Prices and their intervals, ``[n]`` each, in the target's unit.

    Of a classification, the price and both limits are the probability.

    Attributes:
        nearest_km: Distance to the nearest training row, if the graph has that output.
    """

    price: Values
    lower: Values
    upper: Values
    nearest_km: Values | None = None

    def of(self, rows: NDArray[np.bool_]) -> "Predictions":
        """Return the predictions of the rows of a mask."""
        far = None if self.nearest_km is None else self.nearest_km[rows]
        return Predictions(self.price[rows], self.lower[rows], self.upper[rows], far)


def joined(parts: Sequence[Predictions]) -> Predictions:
    """Join the predictions of consecutive batches of rows."""
    price, lower, upper = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("price", "lower", "upper")
    )
    nearest = [part.nearest_km for part in parts if part.nearest_km is not None]
    return Predictions(price, lower, upper, np.concatenate(nearest) if nearest else None)


def score(model: bytes, features: NDArray[np.float32], *, proof: str | None = None) -> Predictions:
    """Predict n rows, ``[n, 8]``, with a serialized graph.

    Args:
        model: The graph.
        features: The rows.
        proof: Identity of the tree library that a job compared on the graph, which then answers:
            the same bits in a fifth of the time. By default ONNX Runtime's own trees do.

    Raises:
        ModelLoadError: It cannot be loaded or run, or does not return a finite price for each row.
    """
    try:
        session = opened(model, proof)
        more = [one.name for one in session.get_outputs() if one.name == NEAREST_KM]
        name = session.get_inputs()[0].name
        answers = [
            session.run([*OUTPUTS, *more], graph_inputs(features[start : start + _RUN_ROWS], name))
            for start in range(0, max(1, len(features)), _RUN_ROWS)
        ]
    # ONNX Runtime raises ValueError for an input or output that the graph does not have.
    except (*ONNX_ERRORS, ValueError) as exc:
        msg = "the model file is not a graph that ONNX Runtime can load and run on the rows"
        raise ModelLoadError(msg) from exc
    columns = [
        np.concatenate([np.asarray(part, dtype=np.float64).ravel() for part in parts])
        for parts in zip(*answers, strict=True)
    ]
    if any(len(column) != len(features) or not np.isfinite(column).all() for column in columns):
        msg = f"the model does not return one finite number for each of {len(features):,} rows"
        raise ModelLoadError(msg)
    if IS_CLASSIFICATION:
        columns = [columns[0]] * 3 + columns[1:]
    return Predictions(*columns)


@lru_cache(maxsize=2)  # a job's challenger and champion
def opened(model: bytes, proof: str | None = None) -> InferenceSession:
    """Load a graph, with the trees of ``score``."""
    return open_graph(model, proof=proof).session if proof else open_session(model)


def evaluate(predictions: Predictions, prices: Values) -> dict[str, float]:
    """Return the metrics of predictions.

    Of a regression: RMSE, MAE and interval width in the target's unit, R² and the interval's
    coverage. Of a classification: log loss, Brier score, area under the ROC curve, expected
    calibration error, and accuracy at the threshold.
    """
    if IS_CLASSIFICATION:
        return _of_classes(predictions.price, prices)
    errors = predictions.price - prices
    inside = (predictions.lower <= prices) & (prices <= predictions.upper)
    spread = float(np.sum((prices - prices.mean()) ** 2))
    return {
        ERROR: error(predictions.price, prices),
        "mae": float(np.abs(errors).mean()),
        "r2": 1.0 - float(np.sum(errors**2)) / spread if spread else 0.0,
        "coverage": float(inside.mean()),
        "width": float((predictions.upper - predictions.lower).mean()),
    }


def _of_classes(probabilities: Values, truth: Values) -> dict[str, float]:
    is_true = truth > 0
    metrics = {
        ERROR: error(probabilities, truth),
        "brier": float(np.mean((probabilities - truth) ** 2)),
        "ece": calibration_error(probabilities, truth),
        "accuracy": float(np.mean((probabilities >= SUBJECT.threshold) == is_true)),
    }
    if is_true.any() and not is_true.all():
        metrics["roc_auc"] = float(roc_auc_score(is_true, probabilities))
    return metrics


def calibration_error(probabilities: Values, truth: Values) -> float:
    """Return the expected calibration error over ten equal parts of 0 … 1.

    C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    part = np.minimum((probabilities * _PARTS).astype(int), _PARTS - 1)
    apart = np.bincount(part, probabilities - truth, minlength=_PARTS)
    return float(np.abs(apart).sum() / len(truth))
