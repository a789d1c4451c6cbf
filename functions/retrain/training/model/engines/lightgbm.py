"""Trees by LightGBM, whose Dask form grows the same trees on many machines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from lightgbm import LGBMRegressor

from retrain.training.dataset.rows import Values
from retrain.training.graph.onnx_ops import Trees
from retrain.training.model.engines.engine import TreeOptions
from retrain.training.model.tensor_ops import Floats


class LightGbm:
    """The engine ``lightgbm``."""

    def regressor(self, options: TreeOptions) -> LGBMRegressor:
        """See ``Engine``; the same seed gives the same trees on every machine."""
        return LGBMRegressor(
            n_estimators=options.iterations,
            learning_rate=options.learning_rate,
            num_leaves=options.max_leaves,
            min_child_samples=options.min_leaf_rows,
            reg_lambda=options.l2,
            feature_fraction_bynode=options.feature_share,
            random_state=options.seed,
            n_jobs=1,
            deterministic=True,
            force_row_wise=True,
            verbosity=-1,
        )

    def staged(self, fitted: Any, features: Floats) -> Iterator[Values]:
        """See ``Engine``."""
        booster = fitted.booster_
        leaves = booster.predict(features, pred_leaf=True).reshape(len(features), -1)
        predicted = np.zeros(len(features))
        for tree in range(booster.num_trees()):
            used, place = np.unique(leaves[:, tree], return_inverse=True)
            values = np.array([booster.get_leaf_output(tree, leaf) for leaf in used])
            predicted = predicted + values[place]
            yield predicted

    def trees(self, fitted: Any) -> Trees:
        """Return all trees as one ensemble; thresholds are rounded so that float32 splits alike."""
        trees = [tree["tree_structure"] for tree in fitted.booster_.dump_model()["tree_info"]]
        nodes = [node for number, tree in enumerate(trees) for node in _nodes(tree, number)]
        leaves = [node for node in nodes if node.is_leaf]
        return Trees(
            {
                "n_targets": 1,
                "nodes_treeids": [node.tree for node in nodes],
                "nodes_nodeids": [node.number for node in nodes],
                "nodes_featureids": [node.feature for node in nodes],
                "nodes_values": [0.0 if node.is_leaf else node.value for node in nodes],
                "nodes_modes": ["LEAF" if node.is_leaf else "BRANCH_LEQ" for node in nodes],
                "nodes_truenodeids": [node.left for node in nodes],
                "nodes_falsenodeids": [node.right for node in nodes],
                "target_treeids": [leaf.tree for leaf in leaves],
                "target_nodeids": [leaf.number for leaf in leaves],
                "target_ids": [0] * len(leaves),
                "target_weights": [leaf.value for leaf in leaves],
            }
        )


@dataclass(slots=True)
class _Node:
    """A node as ONNX counts them: by number within the tree, the root first."""

    tree: int
    number: int
    value: float
    feature: int = 0
    left: int = 0
    right: int = 0

    @property
    def is_leaf(self) -> bool:
        return self.left == 0


def _nodes(root: Mapping[str, Any], tree: int) -> list[_Node]:
    """Number the nodes of one tree."""
    nodes: list[_Node] = []
    described: list[Mapping[str, Any]] = [root]
    for number, node in enumerate(described):  # grows while it is gone through
        if "leaf_value" in node:
            nodes.append(_Node(tree, number, float(node["leaf_value"])))
            continue
        left = len(described)
        described += [node["left_child"], node["right_child"]]
        value = _float32_not_above(node["threshold"])
        nodes.append(_Node(tree, number, value, node["split_feature"], left, left + 1))
    return nodes


def _float32_not_above(threshold: float) -> float:
    """Return the largest float32 that is not above: float32 features split there as they did."""
    rounded = np.float32(threshold)
    if float(rounded) > threshold:  # NumPy would compare them as float32
        rounded = np.nextafter(rounded, np.float32(-np.inf))
    return float(rounded)
