"""The family of subjects with geography: places, neighbours, and a blend by distance."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sklearn.pipeline import FeatureUnion
from typing_extensions import override

from retrain.training.model.engines import engine_of
from retrain.training.model.families.family import Family, tree_options
from retrain.training.model.families.neighbours import NEAREST, NeighbourFeatures
from retrain.training.model.features import OWN_NAMES, TRAVELLING_NAMES, OwnFeatures
from retrain.training.model.recipe import Recipe
from retrain.training.model.regressor import GatedRegressor

OWN, NEIGHBOURS = "own", "neighbours"
_FAR_ITERATIONS = 150


class Geographic(Family):
    """Boosted trees with neighbour features, blended with trees without them."""

    @override
    def features(self, recipe: Recipe) -> FeatureUnion:
        neighbours = NeighbourFeatures(
            most_rows=recipe.neighbour_rows, folds=recipe.neighbour_folds, seed=recipe.seed
        )
        return FeatureUnion([(OWN, OwnFeatures()), (NEIGHBOURS, neighbours)])

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
        more: Any = NeighbourFeatures().get_feature_names_out()
        return [*OWN_NAMES, *more]
