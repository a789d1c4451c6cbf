"""Port: what kind of features and model a subject has."""

from typing import TYPE_CHECKING, Any, Protocol

from retrain.training.model.engines.engine import TreeOptions
from retrain.training.model.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Sequence


class Family(Protocol):
    """Makes the two steps of a pipeline."""

    def features(self, recipe: Recipe) -> Any:
        """Return the transformer of rows into features, not fitted."""
        ...

    def model(self, recipe: Recipe) -> Any:
        """Return the estimator, not fitted.

        It has a parameter ``models``, the method ``start_fit``, and, once fitted, ``averaged_``.
        """
        ...

    def names(self) -> "Sequence[str]":
        """Return the names of the features."""
        ...


def tree_options(recipe: Recipe) -> TreeOptions:
    """Return a recipe's options of the trees."""
    return TreeOptions(**{name: getattr(recipe, name) for name in TreeOptions.__dataclass_fields__})
