"""What a library that grows trees has to be able to do."""

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
    """How trees are boosted.

    Attributes:
        iterations: Number of trees.
        learning_rate: Shrinkage of each.
        max_leaves: Leaves of a tree.
        min_leaf_rows: Rows in a leaf.
        l2: L2 regularization of the leaves.
        feature_share: Share of the features that is tried at each split.
        seed: Of the choice of features.
    """

    iterations: int
    learning_rate: float
    max_leaves: int
    min_leaf_rows: int
    l2: float
    feature_share: float
    seed: int


class Engine(Protocol):
    """Grows trees of squared error, takes them apart, and writes them down."""

    def regressor(self, options: TreeOptions) -> Any:
        """Return a regressor of scikit-learn's kind, not fitted, of one thread.

        It has the parameter ``random_state``, and takes float32 ``[n, m]`` without missing values.
        """
        ...

    def staged(self, fitted: Any, features: "Floats") -> "Iterator[Values]":
        """Yield what is predicted for n rows after each tree, ``[n]``."""
        ...

    def trees(self, fitted: Any) -> "Trees":
        """Return the fitted trees.

        Raises:
            ExportError: They predict by more than sums of leaves behind ``<=``.
        """
        ...
