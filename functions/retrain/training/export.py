"""From a fitted pipeline to one ONNX graph: features, model and interval.

The graph's contract: input ``features``, float32 ``[n, 8]`` in schema order; outputs ``price``,
``lower`` and ``upper``, float32 ``[n, 1]``, in $100,000.
"""

import warnings
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper
from skl2onnx import convert_sklearn
from skl2onnx.algebra.onnx_ops import OnnxMul, OnnxReduceSum, OnnxSqrt, OnnxSub, OnnxUnsqueeze
from skl2onnx.common.data_types import FloatTensorType

from housing.onnx_session import INPUT, OUTPUTS
from housing.schema import FEATURE_NAMES
from retrain.training.features import RegionDistances
from retrain.training.fit import Fitted

_OPSETS = {"": 17, "ai.onnx.ml": 3}  # below what ONNX Runtime has known for years
_RAW_PRICE = "raw_price"


def export(fitted: Fitted) -> bytes:
    """Return the serialized graph of a fitted pipeline; no price in it is below zero."""
    model = _convert(fitted.pipeline)
    _append_interval(model, fitted.half_width)
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
