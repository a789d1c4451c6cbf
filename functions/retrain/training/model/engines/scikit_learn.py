"""Trees by scikit-learn's histogram gradient boosting."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from retrain.training.dataset.rows import Values
from retrain.training.errors import ExportError
from retrain.training.model.engines.engine import TreeOptions
from retrain.training.model.engines.trees import Tree, Trees
from retrain.training.model.tensor_ops import Floats


class ScikitLearn:
    """The engine ``scikit-learn``."""

    def regressor(self, options: TreeOptions) -> HistGradientBoostingRegressor:
        """See ``Engine``; its threads are the caller's to limit."""
        return HistGradientBoostingRegressor(
            max_iter=options.iterations,
            learning_rate=options.learning_rate,
            max_leaf_nodes=options.max_leaves,
            min_samples_leaf=options.min_leaf_rows,
            l2_regularization=options.l2,
            max_features=options.feature_share,
            early_stopping=False,
            random_state=options.seed,
        )

    def staged(self, fitted: Any, features: Floats) -> Iterator[Values]:
        """See ``Engine``."""
        return iter(fitted.staged_predict(features))

    def trees(self, fitted: Any) -> Trees:
        """See ``Engine``.

        The nodes are private to scikit-learn, and lie as they do since its version 1.0.
        """
        if fitted.loss != "squared_error":
            msg = f"scikit-learn's loss {fitted.loss!r}"
            raise ExportError(msg)
        predictors = [predictor for [predictor] in fitted._predictors]  # noqa: SLF001 - see above
        return Trees(
            [_tree(predictor.nodes) for predictor in predictors],
            base=float(np.asarray(fitted._baseline_prediction).item()),  # noqa: SLF001 - see above
        )


def _tree(nodes: NDArray[Any]) -> Tree:
    """Return the columns of a structured array of nodes."""
    if nodes["is_categorical"].any():
        msg = "a node of scikit-learn's that splits on categories"
        raise ExportError(msg)
    is_leaf = nodes["is_leaf"].astype(bool)
    return Tree(
        feature=np.where(is_leaf, 0, nodes["feature_idx"]),
        threshold=np.where(is_leaf, 0, nodes["num_threshold"]),
        left=np.where(is_leaf, 0, nodes["left"]),
        right=np.where(is_leaf, 0, nodes["right"]),
        value=nodes["value"],
    )
