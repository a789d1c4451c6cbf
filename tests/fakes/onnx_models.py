"""Tiny hand-made ONNX graphs that keep, or break, the contract of the served model."""

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from housing.schema import FEATURE_NAMES

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
