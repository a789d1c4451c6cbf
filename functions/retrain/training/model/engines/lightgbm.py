"""Gradient boosting by LightGBM."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor
from typing_extensions import override

from retrain.training.dataset.rows import Values
from retrain.training.errors import ExportError
from retrain.training.model.engines.engine import Engine, TreeOptions
from retrain.training.model.engines.trees import Tree, Trees
from retrain.training.model.tensor_ops import Floats

_OBJECTIVES = {"regression", "binary sigmoid:1"}


class LightGbm(Engine):
    """The engine ``lightgbm``."""

    @override
    def regressor(self, options: TreeOptions) -> LGBMRegressor:
        """Return a regressor, not fitted; equal seeds grow equal trees on every machine."""
        return LGBMRegressor(**_parameters(options))

    @override
    def classifier(self, options: TreeOptions) -> LGBMClassifier:
        return LGBMClassifier(**_parameters(options))

    @override
    def scores(self, fitted: Any, features: Floats) -> Values:
        scores: Values = fitted.booster_.predict(features, raw_score=True)
        return scores

    @override
    def staged(self, fitted: Any, features: Floats) -> Iterator[Values]:
        booster = fitted.booster_
        leaves = booster.predict(features, pred_leaf=True).reshape(len(features), -1)
        predicted = np.zeros(len(features))
        for tree in range(booster.num_trees()):
            used, place = np.unique(leaves[:, tree], return_inverse=True)
            values = np.array([booster.get_leaf_output(tree, leaf) for leaf in used])
            predicted = predicted + values[place]
            yield predicted

    @override
    def trees(self, fitted: Any) -> Trees:
        """Return the fitted trees.

        LightGBM keeps the mean of the targets in the leaves of the first tree. It is subtracted
        there and becomes the base: float32 rounds smaller sums by less.
        """
        dumped = fitted.booster_.dump_model()
        if dumped["objective"] not in _OBJECTIVES or dumped["average_output"]:
            msg = f"LightGBM's objective {dumped['objective']!r} or a mean of trees"
            raise ExportError(msg)
        first, *others = (_tree(tree["tree_structure"]) for tree in dumped["tree_info"])
        mean = float(first.value[first.left == 0].mean())
        return Trees([first._replace(value=first.value - mean), *others], base=mean)


def _parameters(options: TreeOptions) -> dict[str, Any]:
    return {
        "n_estimators": options.iterations,
        "learning_rate": options.learning_rate,
        "num_leaves": options.max_leaves,
        "min_child_samples": options.min_leaf_rows,
        "reg_lambda": options.l2,
        "feature_fraction_bynode": options.feature_share,
        "random_state": options.seed,
        "n_jobs": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def _tree(root: Mapping[str, Any]) -> Tree:
    """Number the nodes of a tree, breadth first."""
    nodes: list[tuple[int, float, int, int, float]] = []
    described: list[Mapping[str, Any]] = [root]
    for node in described:  # grows while it is gone through
        if "leaf_coeff" in node:
            msg = "a leaf of LightGBM's that holds a linear model"
            raise ExportError(msg)
        if "leaf_value" in node:
            nodes.append((0, 0.0, 0, 0, node["leaf_value"]))
            continue
        if (node["decision_type"], node["missing_type"]) != ("<=", "None"):
            msg = "a node of LightGBM's that splits on categories or missing values"
            raise ExportError(msg)
        left = len(described)
        described += [node["left_child"], node["right_child"]]
        nodes.append((node["split_feature"], node["threshold"], left, left + 1, 0.0))
    return Tree(*(np.array(column) for column in zip(*nodes, strict=True)))
