"""Gradient boosting by scikit-learn (histogram-based).

With ``max_features`` a node tries some features only, but scikit-learn 1.9 fills the histograms of
all of them. ``DrawingGrower`` fills those of the drawn features: the trees are the same, node for
node, in half the time with a tenth of the features. What it is made of is private to scikit-learn:
the version is pinned, and tests compare the trees.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.ensemble._hist_gradient_boosting import gradient_boosting
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.grower import TreeGrower, TreeNode
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from typing_extensions import override

from retrain.training.dataset.rows import Values
from retrain.training.errors import ExportError
from retrain.training.model.engines.binning import BinnedInPieces
from retrain.training.model.engines.engine import Engine, TreeOptions
from retrain.training.model.engines.trees import Tree, Trees
from retrain.training.model.tensor_ops import Floats

_ONE_AT_A_TIME = threading.Lock()
_NO_CATEGORIES = np.zeros((0, 8), np.uint32)


@contextmanager
def drawn_features() -> Iterator[None]:
    """Let scikit-learn's boosting grow its trees with ``DrawingGrower``."""
    with _ONE_AT_A_TIME:
        gradient_boosting.TreeGrower = DrawingGrower
        try:
            yield
        finally:
            gradient_boosting.TreeGrower = TreeGrower


class DrawingGrower(TreeGrower):  # type: ignore[misc]  # sklearn has no types
    """Grows a tree; each node draws features, and fills the histograms of these alone."""

    def __init__(self, *, feature_fraction_per_split: float, rng: Any, **options: Any) -> None:
        count = options["X_binned"].shape[1]
        self._rng = rng
        self._features = np.arange(count, dtype=np.uint32)
        self._drawn = max(1, ceil(feature_fraction_per_split * count))
        super().__init__(**options)

    @override
    def _initialize_root(self) -> None:
        self._builder: Any = self.histogram_builder
        self.histogram_builder: Any = _NoHistograms()
        rows = len(self.X_binned)
        gradients, hessians = (
            float(np.sum(values, dtype=np.float64))
            for values in (self._builder.gradients, self._builder.hessians)
        )
        if self._builder.hessians_are_constant:
            hessians *= rows
        self.root = TreeNode(
            depth=0,
            sample_indices=self.splitter.partition,
            partition_start=0,
            partition_stop=rows,
            sum_gradients=gradients,
            sum_hessians=hessians,
            value=0,
        )
        if rows < 2 * self.min_samples_leaf or hessians < self.splitter.min_hessian_to_split:
            self._finalize_leaf(self.root)
        else:
            self._compute_best_split_and_push(self.root)

    @override
    def _compute_best_split_and_push(self, node: Any) -> None:
        # As scikit-learn draws them: with the same generator, the same features.
        is_drawn = self._features < self._drawn
        self._rng.shuffle(is_drawn)
        node.allowed_features = self._features[is_drawn]
        node.histograms = self._builder.compute_histograms_brute(
            node.sample_indices, node.allowed_features
        )
        super()._compute_best_split_and_push(node)
        node.histograms = None

    @override
    def make_predictor(self, binning_thresholds: Any) -> Any:
        """Return the tree as arrays, its nodes in pre-order; one array at a time, not one cell."""
        if self.n_categorical_splits:
            return super().make_predictor(binning_thresholds=binning_thresholds)
        nodes = np.zeros(self.n_nodes, PREDICTOR_RECORD_DTYPE)
        in_order: list[Any] = []
        left, right = np.zeros((2, self.n_nodes), np.uint32)
        waiting = [(self.root, -1)]
        while waiting:
            node, parent = waiting.pop()
            if parent >= 0:
                right[parent] = len(in_order)
            if not node.is_leaf:
                left[len(in_order)] = len(in_order) + 1
                waiting += [(node.right_child, len(in_order)), (node.left_child, -1)]
            in_order.append(node)
        nodes["left"], nodes["right"] = left, right
        nodes["value"] = [node.value for node in in_order]
        nodes["count"] = [node.n_samples for node in in_order]
        nodes["depth"] = [node.depth for node in in_order]
        nodes["is_leaf"] = [node.is_leaf for node in in_order]
        nodes["gain"] = [node.split_info.gain if node.split_info else -1 for node in in_order]
        splits = [node.split_info for node in in_order if not node.is_leaf]
        inner = nodes["is_leaf"] == 0
        nodes["feature_idx"][inner] = [split.feature_idx for split in splits]
        nodes["bin_threshold"][inner] = [split.bin_idx for split in splits]
        nodes["missing_go_to_left"][inner] = [split.missing_go_to_left for split in splits]
        nodes["num_threshold"][inner] = [
            binning_thresholds[split.feature_idx][split.bin_idx]
            if split.bin_idx < self.n_bins_non_missing[split.feature_idx] - 1
            else np.inf
            for split in splits
        ]
        return TreePredictor(nodes, _NO_CATEGORIES, _NO_CATEGORIES)


class _NoHistograms:
    """Stands for the builder where scikit-learn would fill all histograms of two new nodes."""

    def compute_histograms_brute(self, *_arguments: object) -> None:
        """Fill nothing."""

    def compute_histograms_subtraction(self, *_arguments: object) -> None:
        """Fill nothing."""


class _Regressor(BinnedInPieces, HistGradientBoostingRegressor):  # type: ignore[misc]
    """The regressor, in less memory and time."""

    @override
    def fit(self, features: Floats, targets: Values) -> Self:
        with drawn_features():
            super().fit(features, targets)
        return self


class _Classifier(BinnedInPieces, HistGradientBoostingClassifier):  # type: ignore[misc]
    """The classifier, in less memory and time."""

    @override
    def fit(self, features: Floats, classes: Values) -> Self:
        with drawn_features():
            super().fit(features, classes)
        return self


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
