"""Gradient boosting by scikit-learn (histogram-based)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from typing_extensions import override

from retrain.training.dataset.rows import Values
from retrain.training.errors import ExportError
from retrain.training.model.engines.binning import BinnedInPieces
from retrain.training.model.engines.engine import Engine, TreeOptions
from retrain.training.model.engines.trees import Tree, Trees
from retrain.training.model.tensor_ops import Floats


class _Regressor(BinnedInPieces, HistGradientBoostingRegressor):  # type: ignore[misc]
    """The regressor, in less memory."""


class _Classifier(BinnedInPieces, HistGradientBoostingClassifier):  # type: ignore[misc]
    """The classifier, in less memory."""


class ScikitLearn(Engine):
    """The engine ``scikit-learn``."""

    @override
    def regressor(self, options: TreeOptions) -> HistGradientBoostingRegressor:
        """Return a regressor, not fitted; the caller limits its threads."""
        return _Regressor(**_parameters(options))

    @override
    def classifier(self, options: TreeOptions) -> HistGradientBoostingClassifier:
        return _Classifier(**_parameters(options))

    @override
    def scores(self, fitted: Any, features: Floats) -> Values:
        scores: Values = fitted.decision_function(features)
        return scores

    @override
    def staged(self, fitted: Any, features: Floats) -> Iterator[Values]:
        if isinstance(fitted, HistGradientBoostingClassifier):
            return (np.ravel(scores) for scores in fitted.staged_decision_function(features))
        return iter(fitted.staged_predict(features))

    @override
    def trees(self, fitted: Any) -> Trees:
        """Return the fitted trees.

        The nodes are private to scikit-learn; their layout is that of version 1.0.
        """
        if fitted.loss not in {"squared_error", "log_loss"}:
            msg = f"scikit-learn's loss {fitted.loss!r}"
            raise ExportError(msg)
        predictors = [predictor for [predictor] in fitted._predictors]  # noqa: SLF001 - see above
        return Trees(
            [_tree(predictor.nodes) for predictor in predictors],
            base=float(np.asarray(fitted._baseline_prediction).item()),  # noqa: SLF001 - see above
        )


def _parameters(options: TreeOptions) -> dict[str, Any]:
    return {
        "max_iter": options.iterations,
        "learning_rate": options.learning_rate,
        "max_leaf_nodes": options.max_leaves,
        "min_samples_leaf": options.min_leaf_rows,
        "l2_regularization": options.l2,
        "max_features": options.feature_share,
        "early_stopping": False,
        "random_state": options.seed,
    }


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
