"""The predictor takes graphs that keep the contract, and no others."""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest

from fakes.onnx_models import linear_model
from predict.errors import ModelOutputError, ModelRefusedError
from predict.model.predictor import Predictor

ROW = [2.0, 30, 5, 1, 1000, 3, 37, -120]


@pytest.mark.parametrize("flat", [False, True])
def test_price_and_interval_come_from_the_graph_in_either_shape(*, flat: bool) -> None:
    model = linear_model(bias=1.0, income_weight=0.5, half_width=0.25, flat=flat)

    prediction = Predictor(model).predict_columns(np.array([ROW, [4.0, *ROW[1:]]]))

    assert prediction.value.tolist() == [2.0, 3.0]
    assert prediction.lower.tolist() == [1.75, 2.75]
    assert prediction.upper.tolist() == [2.25, 3.25]
    assert Predictor(model).predict_one(ROW) == (2.0, 1.75, 2.25, None)


def test_the_inputs_name_does_not_matter() -> None:
    prediction = Predictor(linear_model(input_name="block_groups")).predict_one(ROW)

    assert prediction.value == pytest.approx(1.2)


def test_the_outputs_are_found_by_name_and_not_by_place() -> None:
    model = linear_model(bias=0, income_weight=1, half_width=1, outputs=("lower", "upper", "price"))

    prediction = Predictor(model).predict_one(ROW)

    assert (prediction.lower, prediction.upper, prediction.value) == (2.0, 1.0, 3.0)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no graph", id="no graph"),
        pytest.param(linear_model()[:-40], id="cut short"),
        pytest.param(linear_model(columns=9), id="nine columns"),
        pytest.param(linear_model(outputs=("price", "low", "high")), id="other outputs"),
    ],
)
def test_a_graph_that_breaks_the_contract_is_refused(model: bytes) -> None:
    with pytest.raises(ModelRefusedError):
        Predictor(model)


@pytest.mark.parametrize("place", ["absolute", "upwards"])
def test_a_graph_that_reads_other_files_is_refused(tmp_path: Path, place: str) -> None:
    """Else a registry could have a function answer with its own environment as a price."""
    secret = tmp_path / "secret"
    secret.write_bytes(np.array([42.0], np.float32).tobytes())
    location = str(secret) if place == "absolute" else os.path.relpath(secret)
    graph = onnx.load_model_from_string(linear_model())
    [bias] = [tensor for tensor in graph.graph.initializer if tensor.name == "bias"]
    bias.ClearField("raw_data")
    bias.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": "0", "length": "4"}.items():
        bias.external_data.add(key=key, value=value)

    with pytest.raises(ModelRefusedError):
        Predictor(graph.SerializeToString())


def test_a_number_that_is_not_finite_never_leaves_the_predictor() -> None:
    predictor = Predictor(linear_model(bias=math.nan))

    with pytest.raises(ModelOutputError, match="finite"):
        predictor.predict_one(ROW)
    with pytest.raises(ModelOutputError, match="finite"):
        predictor.predict_columns(np.array([ROW] * 3))


def test_rows_of_the_wrong_width_are_a_model_failure_and_no_crash() -> None:
    predictor = Predictor(linear_model())

    with pytest.raises(ModelOutputError):
        predictor.predict_one([1.0, 2.0])


def test_one_row_after_another_leaves_nothing_of_the_one_before() -> None:
    predictor = Predictor(linear_model(bias=0, income_weight=1, half_width=1))

    prices = [predictor.predict_one([income, *ROW[1:]]).value for income in (1.0, 2.5, 1.0)]

    assert prices == [1.0, 2.5, 1.0]
    with pytest.raises(ModelOutputError):
        predictor.predict_one([1e39, *ROW[1:]])  # beyond float32
    assert predictor.predict_one(ROW).value == ROW[0]


def test_threads_never_get_one_anothers_price() -> None:
    predictor = Predictor(linear_model(bias=0, income_weight=1, half_width=1))

    def priced(income: float) -> bool:
        return all(predictor.predict_one([income, *ROW[1:]]).value == income for _ in range(2_000))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(priced, (1.0, 2.0, 3.0, 4.0)))


def test_a_graph_that_answers_one_row_with_two_numbers_fails() -> None:
    predictor = Predictor(linear_model(repeated=True))

    with pytest.raises(ModelOutputError):
        predictor.predict_one(ROW)
    with pytest.raises(ModelOutputError):
        predictor.predict_columns(np.array([ROW]))
