"""Fit the model; only this module and ``engines/`` know the boosting library."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from housing.schema import INTERVAL_COVERAGE, TARGET
from retrain.training.dataset.mapped import release
from retrain.training.dataset.rows import Rows, Values
from retrain.training.errors import TooFewRowsError
from retrain.training.model.engines import Engine, TreeOptions, engine_of
from retrain.training.model.evaluation import Predictions
from retrain.training.model.families import family_of_subject
from retrain.training.model.interval import Interval, calibrated, check_enough, folds_of
from retrain.training.model.metric import IS_CLASSIFICATION, error
from retrain.training.model.recipe import Recipe
from retrain.training.model.tensor_ops import Floats, NumpyOps
from retrain.training.model.workers import InThisProcess, TaskRunner

_THREADS = 1  # two threads on busy cores wait for each other: five times as long as one
FEATURES, MODEL = "features", "model"
_SCALE_ITERATIONS = 150
_ERROR_FOLDS = 5
_ROWS_OF_A_CLASS = 20
_MOST_ON_CURVE = 100_000
_BYTES_PER_ROW = 1_000
"""Memory of a part's fit for each training row; with 200,000 rows scikit-learn took 640, LightGBM
890."""
FIT_STEPS = _ERROR_FOLDS + 2
"""Number of progress messages of ``fit``."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted pipeline, its interval, and the engine of its trees.

    A classification has probabilities, and no interval.
    """

    pipeline: Any
    interval: Interval | None
    engine: Engine

    def predict(self, rows: Rows) -> Values:
        """Return prices, ``[n]``, in $100,000."""
        with threadpool_limits(_THREADS):
            return np.asarray(self.pipeline.predict(rows.features), dtype=np.float64)

    def predictions(self, rows: Floats, *, interval_of: Values | None = None) -> Predictions:
        """Return prices and limits by NumPy, without the graph.

        Args:
            rows: The rows to predict, ``[n, 8]``.
            interval_of: Prices, ``[n]``, at the centre of the limits; default: the predicted ones.
        """
        with threadpool_limits(_THREADS):
            features = self.pipeline[FEATURES].transform(rows)
            prices = np.asarray(self.pipeline[MODEL].predict(features), dtype=np.float64)
            if self.interval is None:
                return Predictions(prices, prices, prices)
            limits = self.interval.around(features, prices if interval_of is None else interval_of)
            return Predictions(prices, *limits)


def fit(
    rows: Rows,
    recipe: Recipe,
    on_step: Callable[[str], None] = lambda _: None,
    workers: TaskRunner | None = None,
) -> Fitted:
    """Fit a pipeline on all rows, and its interval on out-of-fold errors.

    Args:
        rows: Training rows.
        recipe: Hyperparameters.
        on_step: Called with a progress message.
        workers: Fit the independent parts; the model's bits do not depend on them.

    Raises:
        EngineError: The recipe's engine cannot be loaded.
        TooFewRowsError: There are too few rows for the interval's coverage.
        WorkerDiedError: A process of the workers died.
    """
    engine = engine_of(recipe.engine)
    _check_enough(rows)
    workers = workers or InThisProcess()
    workers.limit(len(rows) * _BYTES_PER_ROW)
    rows = Rows(workers.share(rows.features), workers.share(rows.prices))
    with threadpool_limits(_THREADS):
        pipeline = pipeline_of(recipe)
        out_of_fold = start_folds(pipeline, rows, recipe, workers)
        on_step(f"fitting the model on {len(rows):,} rows")
        features = workers.share(pipeline[FEATURES].fit_transform(rows.features, rows.prices))
        end_fit = pipeline[MODEL].start_fit(features, rows.prices, workers)
        features, predicted = out_of_fold(on_step)
        if IS_CLASSIFICATION:
            on_step("calibrating the probability")
            end_fit()
            pipeline[MODEL].calibrate(predicted, rows.prices)
            return Fitted(pipeline, None, engine)
        on_step("fitting the interval")
        interval = calibrated(
            features,
            predicted,
            rows.prices,
            coverage=INTERVAL_COVERAGE,
            scale=engine.regressor(scale_options(recipe)),
            seed=recipe.seed,
            workers=workers,
        )
        end_fit()
        return Fitted(pipeline, interval, engine)


def _check_enough(rows: Rows) -> None:
    """Check that rows are enough for an interval, or have both classes.

    Raises:
        TooFewRowsError: They are not.
    """
    if not IS_CLASSIFICATION:
        check_enough(len(rows), INTERVAL_COVERAGE)
        return
    of_class = int((rows.prices > 0).sum())
    if min(of_class, len(rows) - of_class) < _ROWS_OF_A_CLASS:
        msg = (
            f"{of_class:,} of {len(rows):,} rows have {TARGET.name} true; at least "
            f"{_ROWS_OF_A_CLASS} true and {_ROWS_OF_A_CLASS} false are needed"
        )
        raise TooFewRowsError(msg)


def learning_curve(fitted: Fitted, rows: Rows) -> list[float]:
    """Return the error after each tree on some rows, at most 100,000 of them."""
    rows = rows.take(np.arange(len(rows)) % (len(rows) // _MOST_ON_CURVE + 1) == 0)
    with threadpool_limits(_THREADS):
        features = fitted.pipeline[FEATURES].transform(rows.features)
        model = fitted.pipeline[MODEL]
        stages = zip(*(fitted.engine.staged(one, features) for one in model.averaged_), strict=True)
        means = (np.mean(predicted, axis=0) for predicted in stages)
        if IS_CLASSIFICATION:
            means = (model.bounded(NumpyOps(), scores) for scores in means)
        return [error(mean, rows.prices) for mean in means]


def quicker(pipeline: Any) -> Any:
    """Return the pipeline with one model instead of an average, for cross-validation.

    Its RMSE is half a percent higher, so that an interval from its errors is slightly too wide.
    """
    return clone(pipeline).set_params(model__models=1)


def pipeline_of(recipe: Recipe) -> Any:
    """Return a recipe's pipeline, not fitted."""
    family = family_of_subject()
    return Pipeline([(FEATURES, family.features(recipe)), (MODEL, family.model(recipe))])


def scale_options(recipe: Recipe) -> TreeOptions:
    """Return the options of the trees that predict the interval's scale."""
    return TreeOptions(
        iterations=min(_SCALE_ITERATIONS, recipe.iterations),
        learning_rate=0.06,
        max_leaves=15,
        min_leaf_rows=40,
        l2=5,
        feature_share=0.3,
        seed=recipe.seed,
    )


def start_folds(
    pipeline: Any, rows: Rows, recipe: Recipe, workers: TaskRunner
) -> Callable[[Callable[[str], None]], tuple[Floats, Values]]:
    """Start to fit on all folds but one, for each fold.

    Returns:
        A function that waits for the folds and returns each row's out-of-fold features and
        prediction; it calls its argument with progress messages.
    """
    folds = list(folds_of(len(rows), _ERROR_FOLDS, recipe.seed))
    small = quicker(pipeline)
    parts = [workers.start(_predicted_fold, small, rows, *fold) for fold in folds]

    def joined(on_step: Callable[[str], None]) -> tuple[Floats, Values]:
        features: Any = None
        predicted = np.empty(len(rows))
        for number, (fold, _) in enumerate(folds):
            on_step(f"fitting for the interval, part {number + 1} of {len(folds)}")
            of_fold, predicted[fold] = parts[number].get()
            if features is None:
                features = workers.empty((len(rows), of_fold.shape[1]), np.float32)
            features[fold] = of_fold
            release(features)
        return features, predicted

    return joined


def _predicted_fold(
    pipeline: Any, rows: Rows, fold: NDArray[np.int64], others: NDArray[np.bool_]
) -> tuple[Floats, Values]:
    """Return features and predictions of a fold by a pipeline that is fitted on the others."""
    fitted = clone(pipeline).fit(rows.features[others], rows.prices[others])
    features = fitted[:-1].transform(rows.features[fold])
    return features, fitted[-1].predict(features)
