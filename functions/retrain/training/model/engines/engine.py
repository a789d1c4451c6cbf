"""Port: a gradient-boosting library."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:  # the settings know the engines' names, and need not load ONNX for them
    from collections.abc import Iterator

    from retrain.training.dataset.rows import Values
    from retrain.training.model.engines.trees import Trees
    from retrain.training.model.tensor_ops import Floats

EngineName = Literal["scikit-learn", "lightgbm"]


@dataclass(frozen=True, slots=True)
class TreeOptions:
    """Options of the boosting.

    Attributes:
        iterations: Number of trees.
        learning_rate: Shrinkage of each tree.
        max_leaves: Maximum number of leaves of a tree.
        min_leaf_rows: Minimum number of rows in a leaf.
        l2: L2 regularization of the leaves.
        feature_share: Share of the features that are tried at each split.
        seed: Seed of the choice of features.
    """

    iterations: int
    learning_rate: float
    max_leaves: int
    min_leaf_rows: int
    l2: float
    feature_share: float
    seed: int


class Engine(Protocol):
    """Fits trees by squared error or log loss and exports them as arrays."""

    def regressor(self, options: TreeOptions) -> Any:
        """Return a single-threaded regressor with scikit-learn's interface, not fitted.

        It has the parameter ``random_state`` and accepts float32 ``[n, m]`` without missing values.
        """
        ...

    def classifier(self, options: TreeOptions) -> Any:
        """Return the same of two classes, 0 and 1."""
        ...

    def scores(self, fitted: Any, features: "Floats") -> "Values":
        """Return the scores of a classifier, ``[n]``: the sums of its trees."""
        ...

    def staged(self, fitted: Any, features: "Floats") -> "Iterator[Values]":
        """Yield the predictions or scores of n rows after each tree, ``[n]``."""
        ...

    def trees(self, fitted: Any) -> "Trees":
        """Return the fitted trees.

        Raises:
            ExportError: They are not sums of leaves behind ``<=``.
        """
        ...
