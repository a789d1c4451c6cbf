"""How good a model is on rows that it was not fitted on."""

import numpy as np
from sklearn.linear_model import LinearRegression

from retrain.training.dataset.rows import Rows, Values
from retrain.training.model.scoring import Predictions


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
    """Return the RMSE of a linear regression, which a model must beat to be of any use."""
    model = LinearRegression().fit(fitting.features.astype(np.float64), fitting.prices)
    return rmse(model.predict(holdout.features.astype(np.float64)), holdout.prices)
