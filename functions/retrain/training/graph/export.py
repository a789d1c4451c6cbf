"""Export a fitted pipeline as one ONNX graph: features, model, interval and distance.

The graph's inputs are those of ``housing.onnx_session.graph_inputs``, its outputs ``OUTPUTS``,
float32 ``[n, 1]`` each; with geography ``nearest_km`` too. Its metadata may have an ``OVERVIEW``.
"""

import numpy as np
from onnx import TensorProto

from housing.onnx_session import INPUT, NEAREST_KM, OUTPUTS, OVERVIEW, TAKES_COLUMNS, input_type
from housing.schema import FEATURE_NAMES, FEATURES, GEOGRAPHY
from housing.subject import Column
from retrain.training.graph.onnx_ops import OnnxWriter, Symbol
from retrain.training.model.families.columns import column_features, level_means, missing_code
from retrain.training.model.fit import FEATURES as STEP
from retrain.training.model.fit import MODEL, Fitted

_KINDS = {
    np.float32: TensorProto.FLOAT,
    np.int64: TensorProto.INT64,
    np.bool_: TensorProto.BOOL,
}
_SHAPE = ("n", 1) if len(FEATURES) == 1 else ("n",)
"""Shape of a column's input; see ``graph_inputs``."""
_OWN_PREFIX = "/v"
"""Prefix of the graph's own values, where columns of any name are inputs."""


def export(fitted: Fitted, overview: str | None = None) -> bytes:
    """Return the serialized graph of a fitted pipeline.

    Args:
        fitted: The pipeline.
        overview: Overview of its rows, for the graph's metadata.

    Raises:
        ExportError: The graph has no node for the engine's trees.
    """
    writer = _written_with_places(fitted) if GEOGRAPHY else _written(fitted)
    graph = writer.model()
    if overview is not None:
        graph.metadata_props.add(key=OVERVIEW, value=overview)
    return bytes(graph.SerializeToString())


def _written(fitted: Fitted) -> OnnxWriter:
    interval, trees_of = fitted.interval, fitted.engine.trees
    model = fitted.pipeline[MODEL]
    writer = OnnxWriter(_OWN_PREFIX) if TAKES_COLUMNS else OnnxWriter()
    columns = _columns(writer)
    means = level_means(writer, columns, fitted.pipeline[STEP].tables_)
    features = column_features(writer, columns, means)
    value = model.bounded(
        writer, writer.average([writer.trees(features, trees_of(one)) for one in model.averaged_])
    )
    if interval is None:
        _write_outputs(writer, value)
        return writer
    log_size = writer.trees(writer.concat([features, value], axis=1), trees_of(interval.scale))
    limits = interval.limits(writer, value, log_size)
    _write_outputs(writer, value, *limits)
    return writer


def _written_with_places(fitted: Fitted) -> OnnxWriter:
    # Constants of these are computed from the subject's places when they are imported.
    from retrain.training.model.features import own_features, points  # noqa: PLC0415

    neighbours = fitted.pipeline[STEP].neighbours_
    model = fitted.pipeline[MODEL]
    interval, trees_of = fitted.interval, fitted.engine.trees
    assert interval  # noqa: S101 - for mypy: a price has one
    writer = OnnxWriter()
    rows = writer.input(INPUT, len(FEATURE_NAMES))
    places = points(writer, rows)
    features = writer.concat(
        [own_features(writer, rows, places), neighbours.of_points(writer, rows, places)], axis=1
    )
    near = writer.average([writer.trees(features, trees_of(one)) for one in model.averaged_])
    far = writer.trees(writer.take(features, model.far_columns, axis=1), trees_of(model.far_))
    price = model.blended(writer, features, near, far)
    log_size = writer.trees(writer.concat([features, price], axis=1), trees_of(interval.scale))
    limits = interval.limits(writer, price, log_size)
    _write_outputs(writer, price, *limits)
    writer.output(NEAREST_KM, writer.take(features, [model.distance_column], axis=1))
    return writer


def _write_outputs(writer: OnnxWriter, *values: Symbol) -> None:
    for name, value in zip(OUTPUTS, values, strict=True):
        writer.output(name, value)


def _columns(writer: OnnxWriter) -> list[Symbol]:
    """Add the inputs; return the columns, float32 ``[n, 1]`` each, categories by their codes."""
    if TAKES_COLUMNS:
        return [_column(writer, column) for column in FEATURES]
    rows = writer.input(INPUT, len(FEATURES))
    return [writer.take(rows, [place], axis=1) for place in range(len(FEATURES))]


def _column(writer: OnnxWriter, column: Column) -> Symbol:
    if column.kind != "category":
        return writer.column(column.name, _KINDS[input_type(column)], _SHAPE)
    codes = {text: code for code, text in enumerate(column.categories)}
    return writer.category(
        column.name, codes | {"": missing_code(column)}, _SHAPE, other=column.other
    )
