"""Trees by scikit-learn's histogram gradient boosting."""

import warnings
from collections.abc import Iterator
from typing import Any

from onnx import helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import HistGradientBoostingRegressor

from retrain.training.dataset.rows import Values
from retrain.training.graph.onnx_ops import Trees
from retrain.training.model.engines.engine import TreeOptions
from retrain.training.model.tensor_ops import Floats

_ENSEMBLE = "TreeEnsembleRegressor"


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
        """Return what ``skl2onnx`` makes of them: the attributes of their one node."""
        with warnings.catch_warnings():
            # skl2onnx 1.20 writes booleans where protobuf wants integers; protobuf < 7 only warns.
            warnings.filterwarnings("ignore", "Field onnx.AttributeProto.ints", DeprecationWarning)
            converted = convert_sklearn(
                fitted, initial_types=[("x", FloatTensorType([None, fitted.n_features_in_]))]
            )
        [node] = [node for node in converted.graph.node if node.op_type == _ENSEMBLE]
        return Trees({entry.name: helper.get_attribute_value(entry) for entry in node.attribute})
