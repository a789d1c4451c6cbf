"""Spatial cross-validation: the error in regions without training rows."""

from dataclasses import replace

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from retrain.training.dataset.rows import Rows
from retrain.training.model.evaluation import rmse
from retrain.training.model.features import points
from retrain.training.model.fit import pipeline_of, quicker
from retrain.training.model.recipe import Recipe
from retrain.training.model.tensor_ops import NumpyOps

_REGIONS = 20
_FOLDS = 4


def spatial_rmse(rows: Rows, recipe: Recipe) -> float:
    """Return the RMSE on regions that were left out, a quarter of them at a time.

    The regions are k-means clusters of the places. Half of the recipe's trees are fitted: on the
    real data set their RMSE is .6265, that of all trees .6271, in 60 % of the time.
    """
    recipe = replace(recipe, iterations=(recipe.iterations + 1) // 2)
    places = points(NumpyOps(), rows.features)
    regions = min(_REGIONS, len(np.unique(places, axis=0)))
    with threadpool_limits(1):
        region = KMeans(regions, n_init=1, random_state=recipe.seed).fit(places).labels_
        predicted = np.full(len(rows), rows.prices.mean())
        for fold in range(min(_FOLDS, regions)):
            left = region % _FOLDS == fold
            if left.any() and not left.all():
                pipeline = quicker(pipeline_of(recipe))
                pipeline.fit(rows.features[~left], rows.prices[~left])
                predicted[left] = pipeline.predict(rows.features[left])
    return rmse(predicted, rows.prices)
