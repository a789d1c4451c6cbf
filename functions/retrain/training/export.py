"""From a fitted pipeline to one ONNX graph: features, model and interval.

The graph's contract: input ``features``, float32 ``[n, 8]`` in schema order; outputs ``price``,
``lower`` and ``upper``, float32 ``[n, 1]``, in $100,000; with ``Nearness`` also ``nearest_km``,
float32 ``[n, 1]``, in km.
"""

import warnings
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper
from skl2onnx import convert_sklearn
from skl2onnx.algebra.onnx_ops import OnnxMul, OnnxReduceSum, OnnxSqrt, OnnxSub, OnnxUnsqueeze
from skl2onnx.common.data_types import FloatTensorType

from housing.onnx_session import INPUT, NEAREST_KM, OUTPUTS
from housing.schema import FEATURE_NAMES
from retrain.training.features import COORDINATES, RegionDistances
from retrain.training.fit import Fitted
from retrain.training.nearness import Nearness

_OPSETS = {"": 17, "ai.onnx.ml": 3}  # below what ONNX Runtime has known for years
_RAW_PRICE = "raw_price"


def export(fitted: Fitted, nearness: Nearness | None = None) -> bytes:
    """Return the serialized graph of a fitted pipeline; no price in it is below zero.

    Args:
        fitted: The pipeline and its interval.
        nearness: Where the fitted rows lie; with it the graph tells how far the nearest of them is.
    """
    model = _convert(fitted.pipeline)
    _append_interval(model, fitted.half_width)
    if nearness:
        _append_nearness(model, nearness)
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _convert(pipeline: Any) -> ModelProto:
    with warnings.catch_warnings():
        # skl2onnx 1.20 writes booleans where protobuf wants integers; protobuf < 7 only warns.
        warnings.filterwarnings("ignore", "Field onnx.AttributeProto.ints", DeprecationWarning)
        model: ModelProto = convert_sklearn(
            pipeline,
            "housing",
            [(INPUT, FloatTensorType([None, len(FEATURE_NAMES)]))],
            target_opset=_OPSETS,
            final_types=[(_RAW_PRICE, FloatTensorType([None, 1]))],
            custom_conversion_functions={RegionDistances: _convert_region_distances},
            custom_shape_calculators={RegionDistances: _shape_of_region_distances},
        )
    return model


def _append_interval(model: ModelProto, half_width: float) -> None:
    graph = model.graph
    price, lower, upper = OUTPUTS
    graph.initializer.extend(
        [_scalar("zero", 0.0), _scalar("half_width", half_width)],
    )
    graph.node.extend(
        [
            helper.make_node("Max", [_RAW_PRICE, "zero"], [price]),
            helper.make_node("Sub", [price, "half_width"], ["raw_lower"]),
            helper.make_node("Max", ["raw_lower", "zero"], [lower]),
            helper.make_node("Add", [price, "half_width"], [upper]),
        ]
    )
    del graph.output[:]
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1]) for name in OUTPUTS
    )


def _append_nearness(model: ModelProto, nearness: Nearness) -> None:
    """Look a row's cell up in the table; beyond the table, add the way to its edge."""
    graph = model.graph
    constants: dict[str, Any] = {
        "coordinate_columns": np.array(COORDINATES, np.int64),
        "table_first": nearness.first,
        "table_last": nearness.last,
        "cells_per_degree": np.array(1 / nearness.cell_degrees, np.float32),
        "km_per_degree": nearness.km_per_degree,
        "nearest_of_cell": nearness.km,
        "as_column": np.array([-1, 1], np.int64),
    }
    graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in constants.items()
    )
    steps: tuple[tuple[str, list[str], str, dict[str, Any]], ...] = (
        ("Gather", [INPUT, "coordinate_columns"], "coordinates", {"axis": 1}),
        ("Max", ["coordinates", "table_first"], "not_before", {}),
        ("Min", ["not_before", "table_last"], "within", {}),
        ("Sub", ["within", "table_first"], "from_first", {}),
        ("Mul", ["from_first", "cells_per_degree"], "place", {}),
        ("Cast", ["place"], "cell", {"to": TensorProto.INT64}),
        ("GatherND", ["nearest_of_cell", "cell"], "km_in_table", {}),
        ("Sub", ["coordinates", "within"], "degrees_beyond", {}),
        ("Mul", ["degrees_beyond", "km_per_degree"], "km_beyond", {}),
        ("ReduceL2", ["km_beyond"], "km_to_table", {"axes": [1], "keepdims": 0}),
        ("Add", ["km_in_table", "km_to_table"], "km", {}),
        ("Reshape", ["km", "as_column"], NEAREST_KM, {}),
    )
    graph.node.extend(
        helper.make_node(operator, inputs, [output], **attributes)
        for operator, inputs, output, attributes in steps
    )
    graph.output.append(helper.make_tensor_value_info(NEAREST_KM, TensorProto.FLOAT, ["n", 1]))


def _scalar(name: str, value: float) -> TensorProto:
    return helper.make_tensor(name, TensorProto.FLOAT, [1], [value])


def _convert_region_distances(scope: Any, operator: Any, container: Any) -> None:
    """Write the same operations, in the same order, as ``RegionDistances.transform``."""
    version = container.target_opset
    centres = operator.raw_operator.centres_[np.newaxis]
    rows = OnnxUnsqueeze(operator.inputs[0], np.array([1], dtype=np.int64), op_version=version)
    offsets = OnnxSub(rows, centres, op_version=version)
    squares = OnnxReduceSum(
        OnnxMul(offsets, offsets, op_version=version),
        np.array([2], dtype=np.int64),
        keepdims=0,
        op_version=version,
    )
    distances = OnnxSqrt(squares, op_version=version, output_names=operator.outputs[:1])
    distances.add_to(scope, container)


def _shape_of_region_distances(operator: Any) -> None:
    operator.outputs[0].type = FloatTensorType([None, len(operator.raw_operator.centres_)])
