"""Evaluate a model on held-out rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

from housing.onnx_session import NEAREST_KM, ONNX_ERRORS, OUTPUTS, open_session
from retrain.training.dataset.rows import Rows, Values
from retrain.training.errors import ModelLoadError


@dataclass(frozen=True, slots=True)
class Predictions:
    """Prices and their intervals, ``[n]`` each, in $100,000.

    Attributes:
        nearest_km: Distance to the nearest training row, if the graph has that output.
    """

    price: Values
    lower: Values
    upper: Values
    nearest_km: Values | None = None


def score(model: bytes, features: NDArray[np.float32]) -> Predictions:
    """Predict n rows, ``[n, 8]``, with a serialized graph.

    Raises:
        ModelLoadError: It cannot be loaded or run, or does not return a finite price for each row.
    """
    try:
        session = open_session(model)
        more = [one.name for one in session.get_outputs() if one.name == NEAREST_KM]
        answers = session.run([*OUTPUTS, *more], {session.get_inputs()[0].name: features})
    # ONNX Runtime raises ValueError for an input or output that the graph does not have.
    except (*ONNX_ERRORS, ValueError) as exc:
        msg = "the model file is not a graph that ONNX Runtime can load and run on the rows"
        raise ModelLoadError(msg) from exc
    columns = [np.asarray(answer, dtype=np.float64).ravel() for answer in answers]
    if any(len(column) != len(features) or not np.isfinite(column).all() for column in columns):
        msg = f"the model does not return one finite number for each of {len(features):,} rows"
        raise ModelLoadError(msg)
    return Predictions(*columns)


def evaluate(predictions: Predictions, prices: Values) -> dict[str, float]:
    """Return RMSE, MAE and interval width in $100,000, R² and the interval's coverage."""
    errors = predictions.price - prices
    inside = (predictions.lower <= prices) & (prices <= predictions.upper)
    spread = float(np.sum((prices - prices.mean()) ** 2))
    return {
        "rmse": rmse(predictions.price, prices),
        "mae": float(np.abs(errors).mean()),
        "r2": 1.0 - float(np.sum(errors**2)) / spread if spread else 0.0,
        "coverage": float(inside.mean()),
        "width": float((predictions.upper - predictions.lower).mean()),
    }


def rmse(predicted: Values, prices: Values) -> float:
    """Return the root of the mean squared error."""
    return float(np.sqrt(np.mean((predicted - prices) ** 2)))


def baseline_rmse(fitting: Rows, holdout: Rows) -> float:
    """Return the RMSE of a linear regression, the baseline for the first model."""
    model = LinearRegression().fit(fitting.features.astype(np.float64), fitting.prices)
    return rmse(model.predict(holdout.features.astype(np.float64)), holdout.prices)
