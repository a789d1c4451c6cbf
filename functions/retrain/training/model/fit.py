"""Fitting the model; it and the engines are all that knows who grows the trees."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import FeatureUnion, Pipeline
from threadpoolctl import threadpool_limits

from housing.schema import INTERVAL_COVERAGE
from retrain.training.dataset.rows import Rows, Values
from retrain.training.model.engines import Engine, TreeOptions, engine_of
from retrain.training.model.evaluation import Predictions, rmse
from retrain.training.model.features import OWN_NAMES, TRAVELLING_NAMES, OwnFeatures
from retrain.training.model.interval import Interval, calibrated, check_enough, folds_of
from retrain.training.model.neighbours import NEAREST, NeighbourFeatures
from retrain.training.model.recipe import Recipe
from retrain.training.model.regressor import GatedRegressor
from retrain.training.model.tensor_ops import Floats

_THREADS = 1  # two threads on busy cores wait for each other: five times as long as one
FEATURES, MODEL = "features", "model"
OWN, NEIGHBOURS = "own", "neighbours"
_FAR_ITERATIONS = 150
_SCALE_ITERATIONS = 150
_ERROR_FOLDS = 5
FIT_STEPS = _ERROR_FOLDS + 2
"""How often ``fit`` says what it does."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted pipeline, float32 ``[n, 8]`` in, its interval, and who grew the trees of both."""

    pipeline: Any
    interval: Interval
    engine: Engine

    def predict(self, rows: Rows) -> Values:
        """Return prices, ``[n]``, in $100,000."""
        with threadpool_limits(_THREADS):
            return np.asarray(self.pipeline.predict(rows.features), dtype=np.float64)

    def predictions(self, rows: Floats, *, interval_of: Values | None = None) -> Predictions:
        """Return prices and their limits by arrays, without the graph.

        Args:
            rows: The rows to predict, ``[n, 8]``.
            interval_of: Prices, ``[n]``, to put the limits around; the predicted ones if not given.
        """
        with threadpool_limits(_THREADS):
            features = self.pipeline[FEATURES].transform(rows)
            prices = np.asarray(self.pipeline[MODEL].predict(features), dtype=np.float64)
            limits = self.interval.around(features, prices if interval_of is None else interval_of)
            return Predictions(prices, *limits)


def fit(rows: Rows, recipe: Recipe, on_step: Callable[[str], None] = lambda _: None) -> Fitted:
    """Fit a pipeline on all rows, and its interval on errors of models that had not seen them.

    Args:
        rows: What to fit on.
        recipe: How.
        on_step: Told what is fitted now.

    Raises:
        EngineError: The recipe's engine cannot be loaded.
        TooFewRowsError: There are too few rows for the interval's coverage.
    """
    engine = engine_of(recipe.engine)
    check_enough(len(rows), INTERVAL_COVERAGE)
    with threadpool_limits(_THREADS):
        pipeline = pipeline_of(recipe)
        features, predicted = out_of_fold(pipeline, rows, recipe, on_step)
        on_step("fitting the interval")
        interval = calibrated(
            features,
            predicted,
            rows.prices,
            coverage=INTERVAL_COVERAGE,
            scale=engine.regressor(scale_options(recipe)),
            seed=recipe.seed,
        )
        on_step(f"fitting the model on {len(rows):,} rows")
        return Fitted(pipeline.fit(rows.features, rows.prices), interval, engine)


def learning_curve(fitted: Fitted, rows: Rows) -> list[float]:
    """Return the RMSE on some rows after each tree."""
    with threadpool_limits(_THREADS):
        features = fitted.pipeline[FEATURES].transform(rows.features)
        models = fitted.pipeline[MODEL].near_
        stages = zip(*(fitted.engine.staged(one, features) for one in models), strict=True)
        return [rmse(np.mean(predicted, axis=0), rows.prices) for predicted in stages]


def quicker(pipeline: Any) -> Any:
    """Return the pipeline with one model in place of several, for what is made many times over.

    Its RMSE is half a percent higher, so that an interval from its errors is a bit too wide.
    """
    return clone(pipeline).set_params(model__models=1)


def pipeline_of(recipe: Recipe) -> Any:
    """Return the pipeline of a recipe, not fitted."""
    names = [*OWN_NAMES, *NeighbourFeatures().get_feature_names_out()]
    features = FeatureUnion(
        [
            (OWN, OwnFeatures()),
            (
                NEIGHBOURS,
                NeighbourFeatures(
                    most_rows=recipe.neighbour_rows,
                    folds=recipe.neighbour_folds,
                    seed=recipe.seed,
                ),
            ),
        ]
    )
    engine, options = engine_of(recipe.engine), _of_near(recipe)
    near = engine.regressor(options)
    far = engine.regressor(
        replace(
            options,
            iterations=min(_FAR_ITERATIONS, recipe.iterations),
            learning_rate=0.08,
            max_leaves=15,
            feature_share=0.3,
        )
    )
    model = GatedRegressor(
        near,
        far,
        models=recipe.models,
        far_columns=[names.index(name) for name in TRAVELLING_NAMES],
        distance_column=names.index(NEAREST),
        known_share=recipe.known_share,
    )
    return Pipeline([(FEATURES, features), (MODEL, model)])


def _of_near(recipe: Recipe) -> TreeOptions:
    return TreeOptions(**{name: getattr(recipe, name) for name in TreeOptions.__dataclass_fields__})


def scale_options(recipe: Recipe) -> TreeOptions:
    """Return how the trees of the interval's scale are grown."""
    return TreeOptions(
        iterations=min(_SCALE_ITERATIONS, recipe.iterations),
        learning_rate=0.06,
        max_leaves=15,
        min_leaf_rows=40,
        l2=5,
        feature_share=0.3,
        seed=recipe.seed,
    )


def out_of_fold(
    pipeline: Any, rows: Rows, recipe: Recipe, on_step: Callable[[str], None]
) -> tuple[Any, Values]:
    """Return each row's features and prediction by a pipeline that was fitted on other folds."""
    small = quicker(pipeline)
    features: Any = None
    predicted = np.empty(len(rows))
    folds = folds_of(len(rows), _ERROR_FOLDS, recipe.seed)
    for number, (fold, others) in enumerate(folds, start=1):
        on_step(f"fitting for the interval, part {number} of {_ERROR_FOLDS}")
        fitted = clone(small).fit(rows.features[others], rows.prices[others])
        found = fitted[:-1].transform(rows.features[fold])
        if features is None:
            features = np.empty((len(rows), found.shape[1]), np.float32)
        features[fold] = found
        predicted[fold] = fitted[-1].predict(found)
    return features, predicted
