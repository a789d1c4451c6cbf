"""Each operation gives equal results in arrays and in a graph."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from housing.onnx_session import open_session
from retrain.training.graph.onnx_ops import OnnxWriter
from retrain.training.model.tensor_ops import NumpyOps, PlaneTree, Tensor, TensorOps

WIDTH = 6
ROWS = np.random.default_rng(0).uniform(0.1, 9, (50, WIDTH)).astype(np.float32)
MATRIX = np.random.default_rng(1).normal(size=(WIDTH, 3)).astype(np.float32)
TABLE = np.arange(200, dtype=np.float32).reshape(100, 2)
TREE = PlaneTree(np.array([0, 1, 0]), np.array([4, 5, 6], np.float32))


def total(ops: TensorOps, rows: Tensor) -> Tensor:
    return ops.sum(rows, axis=1, keepdims=True)


def table_rows(ops: TensorOps, rows: Tensor) -> Tensor:
    _, places = ops.nearest(rows, 4)
    return ops.take(TABLE, places, axis=0)


Formula = Callable[[TensorOps, Tensor], Tensor]
FORMULAS: dict[str, Formula] = {
    "plus": lambda ops, x: total(ops, x + x + np.float32(1) + (np.float32(2) + x)),
    "minus": lambda ops, x: total(ops, (np.float32(3) - x) * x - np.float32(1)),
    "by": lambda ops, x: total(ops, np.float32(3) / x + x / np.float32(7)),
    "columns": lambda ops, x: ops.take(x, [4], axis=1) - ops.take(x, [0], axis=1),
    "first": lambda ops, x: total(ops, x[:, :2]),
    "concat": lambda ops, x: ops.max(ops.concat([x, x + x], axis=1), axis=1, keepdims=True),
    "functions": lambda ops, x: total(ops, ops.sqrt(x) + ops.exp(x) + ops.log(x)),
    "round": lambda ops, x: total(ops, ops.round(x * np.float32(2)) + ops.clip(x, 1, 3)),
    "halves": lambda ops, x: ops.take(ops.round(ops.round(x) + np.float32(0.5)), [1], axis=1),
    "smallest": lambda ops, x: (
        ops.min(x, axis=1, keepdims=True) + ops.max(x, axis=1, keepdims=True)
    ),
    "matmul": lambda ops, x: total(ops, ops.matmul(x, MATRIX)),
    "take": lambda ops, x: total(ops, ops.mean(table_rows(ops, x), axis=1)),
    "entries": lambda ops, x: total(ops, ops.entries(TABLE[:, 1], ops.nearest(x, 3)[1], 3)),
    "nearest": lambda ops, x: ops.take(ops.nearest(x, 3)[0], [2], axis=1),
    "pick": lambda ops, x: total(ops, ops.take_along_axis(x, ops.nearest(x, 2)[1], axis=1)),
    "leaf": lambda ops, x: ops.take(
        ops.take(
            TABLE,
            ops.leaf(
                ops.concat([ops.take(x, [0], axis=1), ops.take(x, [1], axis=1)], axis=1), TREE
            ),
            axis=0,
        ),
        [0],
        axis=1,
    ),
}


def in_a_graph(formula: Formula, rows: Any) -> Any:
    writer = OnnxWriter()
    writer.output("y", formula(writer, writer.input("x", WIDTH)))
    session = open_session(writer.model().SerializeToString())
    return session.run(None, {"x": rows})[0]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_graph_gives_what_arrays_give(name: str) -> None:
    in_arrays = FORMULAS[name](NumpyOps(), ROWS)

    from_graph = in_a_graph(FORMULAS[name], ROWS)

    assert from_graph.shape == (len(ROWS), 1)
    assert in_arrays.dtype == np.float32
    assert from_graph == pytest.approx(in_arrays, rel=1e-5)


def test_of_equal_values_the_first_is_the_nearest_in_both() -> None:
    same = np.full((4, WIDTH), 2, np.float32)

    def chosen(ops: TensorOps, rows: Tensor) -> Tensor:
        return total(ops, ops.take(np.arange(10.0) ** 2, ops.nearest(rows, 3)[1], axis=0))

    assert chosen(NumpyOps(), same).ravel() == pytest.approx([5, 5, 5, 5])
    assert in_a_graph(chosen, same).ravel() == pytest.approx([5, 5, 5, 5])


def test_a_value_on_the_threshold_goes_to_the_left_in_both() -> None:
    on_it = np.array([[4, 5, *[0] * 4], [4.5, 9, *[0] * 4]], np.float32)

    leaf = FORMULAS["leaf"]

    assert (leaf(NumpyOps(), on_it) == in_a_graph(leaf, on_it)).all()
    assert leaf(NumpyOps(), on_it).ravel().tolist() == [0, TABLE[2, 0]]
