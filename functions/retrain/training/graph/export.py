"""Export a fitted pipeline as one ONNX graph: features, model, interval and distance.

The graph's contract: input ``features``, float32 ``[n, 8]`` in schema order; outputs ``price``,
``lower`` and ``upper``, float32 ``[n, 1]``, in $100,000, and ``nearest_km``, float32 ``[n, 1]``.
"""

from typing import TYPE_CHECKING

from housing.onnx_session import INPUT, NEAREST_KM, OUTPUTS
from housing.schema import FEATURE_NAMES
from retrain.training.graph.onnx_ops import OnnxWriter
from retrain.training.model.features import own_features, points
from retrain.training.model.fit import FEATURES, MODEL, NEIGHBOURS, Fitted

if TYPE_CHECKING:
    from retrain.training.model.neighbours import NeighbourFeatures
    from retrain.training.model.regressor import GatedRegressor


def export(fitted: Fitted) -> bytes:
    """Return the serialized graph of a fitted pipeline.

    Raises:
        ExportError: The graph has no node for the engine's trees.
    """
    neighbours: NeighbourFeatures = dict(fitted.pipeline[FEATURES].transformer_list)[NEIGHBOURS]
    model: GatedRegressor = fitted.pipeline[MODEL]
    interval, trees_of = fitted.interval, fitted.engine.trees
    writer = OnnxWriter()
    rows = writer.input(INPUT, len(FEATURE_NAMES))
    places = points(writer, rows)
    features = writer.concat(
        [own_features(writer, rows, places), neighbours.of_points(writer, rows, places)], axis=1
    )
    near = writer.average([writer.trees(features, trees_of(one)) for one in model.near_])
    far = writer.trees(writer.take(features, model.far_columns, axis=1), trees_of(model.far_))
    price = model.blended(writer, features, near, far)
    log_size = writer.trees(writer.concat([features, price], axis=1), trees_of(interval.scale))
    limits = interval.limits(writer, price, log_size)
    for name, value in zip(OUTPUTS, (price, *limits), strict=True):
        writer.output(name, value)
    writer.output(NEAREST_KM, writer.take(features, [model.distance_column], axis=1))
    return bytes(writer.model().SerializeToString())
