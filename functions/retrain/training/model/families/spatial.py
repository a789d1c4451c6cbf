"""Spatial cross-validation: the error in regions without training rows."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from retrain.training.dataset.rows import Rows, Values
from retrain.training.model.features import points
from retrain.training.model.fit import pipeline_of, quicker
from retrain.training.model.metric import error
from retrain.training.model.recipe import Recipe
from retrain.training.model.tensor_ops import NumpyOps
from retrain.training.model.workers import InThisProcess, TaskRunner

_REGIONS = 20
_FOLDS = 4


def spatial_rmse(rows: Rows, recipe: Recipe, workers: TaskRunner | None = None) -> float:
    """Return the RMSE on regions that were left out, a quarter of them at a time.

    The regions are k-means clusters of the places. Half of the recipe's trees are fitted: on the
    real data set their RMSE is .6265, that of all trees .6271, in 60 % of the time.
    """
    workers = workers or InThisProcess()
    recipe = replace(recipe, iterations=(recipe.iterations + 1) // 2)
    places = points(NumpyOps(), rows.features)
    regions = min(_REGIONS, len(np.unique(places, axis=0)))
    with threadpool_limits(1):
        region = KMeans(regions, n_init=1, random_state=recipe.seed).fit(places).labels_
    folds = [region % _FOLDS == fold for fold in range(min(_FOLDS, regions))]
    parts = [
        (left, workers.start(_predicted, rows, left, recipe))
        for left in folds
        if left.any() and not left.all()
    ]
    predicted = np.full(len(rows), rows.prices.mean())
    for left, part in parts:
        predicted[left] = part.get()
    return error(predicted, rows.prices)


def _predicted(rows: Rows, left: NDArray[np.bool_], recipe: Recipe) -> Values:
    """Predict the rows of some regions by a pipeline that is fitted on the others."""
    pipeline = quicker(pipeline_of(recipe))
    pipeline.fit(rows.features[~left], rows.prices[~left])
    predicted: Values = pipeline.predict(rows.features[left])
    return predicted
