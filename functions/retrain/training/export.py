"""From a fitted pipeline to one ONNX graph: features, model, interval and distance.

The graph's contract: input ``features``, float32 ``[n, 8]`` in schema order; outputs ``price``,
``lower`` and ``upper``, float32 ``[n, 1]``, in $100,000, and ``nearest_km``, float32 ``[n, 1]``.
"""

import warnings
from typing import TYPE_CHECKING

from onnx import helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import HistGradientBoostingRegressor

from housing.onnx_session import INPUT, NEAREST_KM, OUTPUTS
from housing.schema import FEATURE_NAMES
from retrain.training.features import own_features, points
from retrain.training.fit import FEATURES, MODEL, NEIGHBOURS, Fitted
from retrain.training.onnx_writer import OnnxWriter, Trees

if TYPE_CHECKING:
    from retrain.training.neighbours import NeighbourFeatures
    from retrain.training.regressor import GatedRegressor

_ENSEMBLE = "TreeEnsembleRegressor"


def export(fitted: Fitted) -> bytes:
    """Return the serialized graph of a fitted pipeline."""
    neighbours: NeighbourFeatures = dict(fitted.pipeline[FEATURES].transformer_list)[NEIGHBOURS]
    model: GatedRegressor = fitted.pipeline[MODEL]
    interval = fitted.interval
    writer = OnnxWriter()
    rows = writer.input(INPUT, len(FEATURE_NAMES))
    places = points(writer, rows)
    features = writer.concat(
        [own_features(writer, rows, places), neighbours.of_points(writer, rows, places)]
    )
    near = writer.mean([writer.trees(features, trees_of(one)) for one in model.near_])
    far = writer.trees(writer.columns(features, model.far_columns), trees_of(model.far_))
    price = model.blended(writer, features, near, far)
    expected = writer.trees(writer.concat([features, price]), trees_of(interval.scale))
    limits = interval.limits(writer, price, expected)
    for name, value in zip(OUTPUTS, (price, *limits), strict=True):
        writer.output(name, value)
    writer.output(NEAREST_KM, writer.columns(features, [model.distance_column]))
    return bytes(writer.model().SerializeToString())


def trees_of(model: HistGradientBoostingRegressor) -> Trees:
    """Return what ``skl2onnx`` makes of fitted trees: the attributes of their one node."""
    with warnings.catch_warnings():
        # skl2onnx 1.20 writes booleans where protobuf wants integers; protobuf < 7 only warns.
        warnings.filterwarnings("ignore", "Field onnx.AttributeProto.ints", DeprecationWarning)
        converted = convert_sklearn(
            model, initial_types=[("x", FloatTensorType([None, model.n_features_in_]))]
        )
    [node] = [node for node in converted.graph.node if node.op_type == _ENSEMBLE]
    return Trees({entry.name: helper.get_attribute_value(entry) for entry in node.attribute})
