"""The family of subjects with geography: places, neighbours, and a blend by distance."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted
from typing_extensions import override

from retrain.training.dataset.mapped import release, scratch
from retrain.training.dataset.rows import Values
from retrain.training.model.engines import engine_of
from retrain.training.model.families.family import Family, tree_options
from retrain.training.model.families.neighbours import (
    NEAREST,
    NEIGHBOUR_NAMES,
    NeighbourFeatures,
)
from retrain.training.model.features import OWN_NAMES, TRAVELLING_NAMES, OwnFeatures
from retrain.training.model.recipe import Recipe
from retrain.training.model.regressor import GatedRegressor
from retrain.training.model.tensor_ops import Floats

_FAR_ITERATIONS = 150
_PIECE_ROWS = 8_192


class PlaceFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no types
    """Own features and those of neighbours, side by side in one array that may be a file."""

    def __init__(self, neighbours: NeighbourFeatures) -> None:
        self.neighbours = neighbours

    def fit(self, rows: Floats, prices: Values) -> Self:
        """Keep the neighbours."""
        self.n_features_in_ = rows.shape[1]
        self.neighbours_ = clone(self.neighbours).fit(rows, prices)
        return self

    def fit_transform(self, rows: Floats, prices: Values) -> Floats:
        """Fit, and return the features of the fitted rows, float32 ``[n, 45]``."""
        self.n_features_in_ = rows.shape[1]
        self.neighbours_ = clone(self.neighbours)
        features = self._with_own(rows)
        self.neighbours_.fit_into(features[:, len(OWN_NAMES) :], rows, prices)
        return features

    def transform(self, rows: Floats) -> Floats:
        """Return the features of n rows that were not fitted on, float32 ``[n, 45]``."""
        check_is_fitted(self, "neighbours_")
        features = self._with_own(rows)
        start = 0
        for part in np.array_split(rows, len(rows) // _PIECE_ROWS + 1):
            of_neighbours = self.neighbours_.transform(part)
            features[start : start + len(part), len(OWN_NAMES) :] = of_neighbours
            start += len(part)
            release(features)
        return features

    def _with_own(self, rows: Floats) -> Floats:
        """Return features of which the neighbours' are not written yet."""
        features = scratch((len(rows), len(OWN_NAMES) + len(NEIGHBOUR_NAMES)), np.float32)
        start = 0
        for part in np.array_split(rows, len(rows) // _PIECE_ROWS + 1):
            own = OwnFeatures().fit_transform(part)
            features[start : start + len(part), : len(OWN_NAMES)] = own
            start += len(part)
            release(features)
        return features


class Geographic(Family):
    """Boosted trees with neighbour features, blended with trees without them."""

    @override
    def features(self, recipe: Recipe) -> PlaceFeatures:
        neighbours = NeighbourFeatures(
            most_rows=recipe.neighbour_rows, folds=recipe.neighbour_folds, seed=recipe.seed
        )
        return PlaceFeatures(neighbours)

    @override
    def model(self, recipe: Recipe) -> GatedRegressor:
        engine, options, names = engine_of(recipe.engine), tree_options(recipe), self.names()
        far = replace(
            options,
            iterations=min(_FAR_ITERATIONS, recipe.iterations),
            learning_rate=0.08,
            max_leaves=15,
            feature_share=0.3,
        )
        return GatedRegressor(
            engine.regressor(options),
            engine.regressor(far),
            models=recipe.models,
            far_columns=[names.index(name) for name in TRAVELLING_NAMES],
            distance_column=names.index(NEAREST),
            known_share=recipe.known_share,
        )

    @override
    def names(self) -> Sequence[str]:
        return [*OWN_NAMES, *NEIGHBOUR_NAMES]
