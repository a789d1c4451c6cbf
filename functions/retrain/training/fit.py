"""Fitting the model; the only module that knows the engine."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from housing.schema import FEATURE_NAMES
from retrain.training.errors import TooFewRowsError
from retrain.training.features import COORDINATES, RegionDistances
from retrain.training.recipe import Recipe
from retrain.training.rows import Rows, Values

_THREADS = 1  # two threads on busy cores wait for each other: five times as long as one


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted pipeline, float32 ``[n, 8]`` in, and half the width of its interval, $100,000."""

    pipeline: Any
    half_width: float

    def predict(self, rows: Rows) -> Values:
        """Return prices, ``[n]``, in $100,000."""
        with threadpool_limits(_THREADS):
            return np.asarray(self.pipeline.predict(rows.features), dtype=np.float64)


def fit(fitting: Rows, calibration: Rows, recipe: Recipe) -> Fitted:
    """Fit a pipeline on one part of the rows, and its interval on another.

    Raises:
        TooFewRowsError: There are too few calibration rows for the interval's coverage.
    """
    with threadpool_limits(_THREADS):
        pipeline = _pipeline(recipe).fit(fitting.features, fitting.prices)
    fitted = Fitted(pipeline, half_width=0.0)
    residuals = np.abs(calibration.prices - fitted.predict(calibration))
    return Fitted(pipeline, conformal_half_width(residuals, recipe.interval_coverage))


def conformal_half_width(residuals: Values, coverage: float) -> float:
    """Return the ⌈(n+1)·coverage⌉-th smallest of n absolute residuals.

    Split conformal prediction: J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani and L. Wasserman,
    "Distribution-Free Predictive Inference for Regression", JASA 113 (2018), algorithm 2.

    Raises:
        TooFewRowsError: n is too small for the coverage.
    """
    rank = math.ceil((len(residuals) + 1) * coverage)
    if rank > len(residuals):
        msg = f"{len(residuals)} calibration rows are too few for {coverage:.0%} intervals"
        raise TooFewRowsError(msg)
    return float(np.sort(residuals)[rank - 1])


def _pipeline(recipe: Recipe) -> Any:
    features = ColumnTransformer(
        [
            ("raw", "passthrough", list(range(len(FEATURE_NAMES)))),
            ("regions", RegionDistances(recipe.clusters, recipe.seed), list(COORDINATES)),
        ]
    )
    trees = HistGradientBoostingRegressor(
        max_iter=recipe.iterations,
        learning_rate=recipe.learning_rate,
        max_leaf_nodes=recipe.max_leaves,
        min_samples_leaf=recipe.min_leaf_rows,
        l2_regularization=recipe.l2,
        max_features=recipe.feature_share,
        early_stopping=False,
        random_state=recipe.seed,
    )
    return Pipeline([("features", features), ("trees", trees)])
