"""Tiny hand-made ONNX graphs that keep, or break, the contract of the served model."""

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from housing.onnx_session import INPUT, OUTPUTS, graph_inputs
from housing.schema import FEATURE_NAMES, FEATURES

_OPSET = 17
_IR_VERSION = 8


def linear_model(  # noqa: PLR0913 - one knob for each way to break the contract
    *,
    bias: float = 1.0,
    income_weight: float = 0.1,
    half_width: float = 0.5,
    input_name: str = "X",
    outputs: Sequence[str] = ("price", "lower", "upper"),
    columns: int = len(FEATURE_NAMES),
    flat: bool = False,
    repeated: bool = False,
) -> bytes:
    """Build a graph whose price is ``bias + income_weight * MedInc``, in $100,000.

    Args:
        bias: Price at no income; NaN makes a model that answers NaN.
        income_weight: Price of one unit of the first column.
        half_width: Half the interval; negative puts lower above upper.
        input_name: Name of the input, float32 ``[n, columns]``.
        outputs: Names given to price, lower and upper.
        columns: Number of columns the graph takes.
        flat: Whether the outputs are ``[n]`` and not ``[n, 1]``.
        repeated: Whether every price is answered twice, which breaks the contract.
    """
    weights = np.zeros((columns, 1), dtype=np.float32)
    weights[0, 0] = income_weight
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(np.array([bias], dtype=np.float32), "bias"),
        numpy_helper.from_array(np.array([half_width], dtype=np.float32), "half_width"),
        numpy_helper.from_array(np.array([-1] if flat else [-1, 1], dtype=np.int64), "shape"),
    ]
    price, lower, upper = ("price_column", "lower_column", "upper_column")
    shaped = ("price_shaped", "lower_shaped", "upper_shaped")
    nodes = [
        helper.make_node("MatMul", [input_name, "weights"], ["weighted"]),
        helper.make_node("Add", ["weighted", "bias"], [price]),
        helper.make_node("Sub", [price, "half_width"], [lower]),
        helper.make_node("Add", [price, "half_width"], [upper]),
        *(
            helper.make_node("Reshape", [column, "shape"], [name])
            for column, name in zip((price, lower, upper), shaped, strict=True)
        ),
        *(
            helper.make_node("Concat", [column, column] if repeated else [column], [name], axis=0)
            for column, name in zip(shaped, outputs, strict=True)
        ),
    ]
    rows_in = helper.make_tensor_value_info(input_name, TensorProto.FLOAT, ["n", columns])
    shape: list[str | int | None] = ["n"] if flat else ["n", 1]
    rows_out = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in outputs]
    graph = helper.make_graph(nodes, "linear", [rows_in], rows_out, initializer=constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
    )
    checker.check_model(model)
    return bytes(model.SerializeToString())


def constant_model(value: float = 0.25, **metadata: str) -> bytes:
    """Build a graph of this process's subject that answers a constant, whatever a row holds.

    Args:
        value: The constant, of each output.
        metadata: The graph's.
    """
    row = np.array([[column.example for column in FEATURES]])
    kinds = {name: (tensor.dtype, tensor.ndim) for name, tensor in graph_inputs(row).items()}
    inputs = []
    for name, (dtype, rank) in kinds.items():
        text = dtype.kind in "OU"
        kind = TensorProto.STRING if text else helper.np_dtype_to_tensor_dtype(dtype)
        width = [] if rank == 1 else [len(FEATURES) if name == INPUT else 1]
        inputs.append(helper.make_tensor_value_info(name, kind, ["n", *width]))
    first = inputs[0].name
    nodes = [
        helper.make_node("Shape", [first], ["sizes"], start=0, end=1),
        helper.make_node("Concat", ["sizes", "one"], ["shape"], axis=0),
        *(helper.make_node("Expand", ["value", "shape"], [name]) for name in OUTPUTS),
    ]
    constants = [
        numpy_helper.from_array(np.array([1], np.int64), "one"),
        numpy_helper.from_array(np.array([[value]], np.float32), "value"),
    ]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1]) for name in OUTPUTS]
    graph = helper.make_graph(nodes, "constant", inputs, outputs, initializer=constants)
    opset = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=_IR_VERSION)
    helper.set_model_props(model, metadata)
    checker.check_model(model)
    return bytes(model.SerializeToString())
