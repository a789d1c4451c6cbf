"""The library's TopK answers bit for bit as ONNX Runtime's, or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

Open = Callable[[bytes, Path | None], onnxruntime.InferenceSession]
SIZES = (1, 2, 7, 8, 31, 32, 33, 100, 160, 255, 256, 257, 1_000)


def model_of(*, element: int = TensorProto.FLOAT, opset: int = 17, **attributes: Any) -> bytes:
    node = helper.make_node("TopK", ["x", "k"], ["values", "places"], **attributes)
    graph = helper.make_graph(
        [node],
        "top",
        [
            helper.make_tensor_value_info("x", element, None),
            helper.make_tensor_value_info("k", TensorProto.INT64, None),
        ],
        [
            helper.make_tensor_value_info("values", element, None),
            helper.make_tensor_value_info("places", TensorProto.INT64, None),
        ],
    )
    opsets = [helper.make_opsetid("", opset)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def drawn(random: np.random.Generator, shape: tuple[int, ...], kind: int) -> NDArray[np.float32]:
    """Draw numbers: far apart, of a few values, or all but one equal; some zeros and infinities."""
    values: NDArray[Any]
    if kind == 0:
        values = random.normal(size=shape) * 10.0 ** random.integers(-30, 30)
    elif kind == 1:
        values = random.integers(-3, 4, shape)
    else:
        values = np.where(random.random(shape) < 0.02, 1.0, 2.0)
    odd = random.choice(np.array([np.inf, -np.inf, 0.0, -0.0, 3e38, 1e-44], np.float32), shape)
    is_odd = random.random(shape) < (0.05 if kind < 2 else 0.0)
    return np.where(is_odd, odd, values).astype(np.float32)


@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_random_rows_are_answered_bit_for_bit(
    open_model: Open, library: Path, largest: int, kind: int
) -> None:
    random = np.random.default_rng(10 * kind + largest)
    model = model_of(axis=1, largest=largest, sorted=1)
    plain, ours = open_model(model, None), open_model(model, library)
    compared = 0

    for size in SIZES:
        for count in {1, size // 3 + 1, max(1, size - 1), size}:
            given = {"x": drawn(random, (9, size), kind), "k": np.array([count])}
            theirs, answer = plain.run(None, given), ours.run(None, given)
            assert [one.tobytes() for one in answer] == [one.tobytes() for one in theirs]
            assert answer[0].shape == answer[1].shape == (9, count)
            compared += 9

    assert compared > 300


@pytest.mark.parametrize("shape", [(5,), (0, 5), (2, 3, 5), (2, 0, 5), (1, 1, 1, 5)])
@pytest.mark.parametrize("attributes", [{}, {"axis": -1}, {"largest": 0}])
def test_any_number_of_axes_is_answered(
    open_model: Open, library: Path, shape: tuple[int, ...], attributes: dict[str, int]
) -> None:
    model = model_of(**attributes)
    given = {"x": drawn(np.random.default_rng(0), shape, 1), "k": np.array([3])}

    theirs, ours = (open_model(model, one).run(None, given) for one in (None, library))

    assert [(one.shape, one.tobytes()) for one in ours] == [
        (one.shape, one.tobytes()) for one in theirs
    ]


def test_none_of_a_row_is_answered_as_by_onnx_runtime(open_model: Open, library: Path) -> None:
    model = model_of()
    given = {"x": np.ones((4, 3), np.float32), "k": np.array([0])}

    theirs, ours = (open_model(model, one).run(None, given) for one in (None, library))

    assert [one.shape for one in ours] == [one.shape for one in theirs]


@pytest.mark.parametrize(
    ("attributes", "given", "why"),
    [
        ({"axis": 0}, {}, "another axis"),
        ({}, {"k": np.array([6])}, "more than there are"),
        ({}, {"k": np.array([-1])}, "more than there are"),
        ({}, {"k": np.array([2, 2])}, "k is not"),
        ({}, {"x": np.array([[1, np.nan, 2]], np.float32)}, "not a number"),
        ({}, {"x": np.array([[np.nan] * 300], np.float32)}, "not a number"),
        ({}, {"x": np.array(1, np.float32)}, "too many axes"),
        ({}, {"x": np.ones((1,) * 9, np.float32), "k": np.array([1])}, "too many axes"),
    ],
)
def test_an_unsupported_input_is_refused(
    open_model: Open, library: Path, attributes: dict[str, int], given: dict[str, Any], why: str
) -> None:
    session = open_model(model_of(**attributes), library)

    with pytest.raises(Exception, match=why):
        session.run(None, {"x": np.ones((2, 5), np.float32), "k": np.array([2])} | given)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({"sorted": 0}, "without an order"),
        ({"largest": 2}, "neither of the largest"),
        ({"element": TensorProto.INT64}, "INVALID_GRAPH"),
        ({"element": TensorProto.DOUBLE}, "INVALID_GRAPH"),
    ],
)
def test_an_unsupported_model_is_left_to_onnx_runtime(
    open_model: Open, library: Path, made: dict[str, Any], why: str
) -> None:
    model = model_of(**made)
    open_model(model, None)

    with pytest.raises(Exception, match=why):
        open_model(model, library)
