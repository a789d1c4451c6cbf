"""Prediction by one ONNX graph.

The graph's contract: one input, float32 ``[n, features]`` in the order of
``housing.schema.FEATURES``, or one for each column where some are texts; the outputs ``OUTPUTS`` of
``housing.onnx_session``, float32 ``[n, 1]`` or ``[n]``, in the target's unit; and where rows have a
place perhaps ``nearest_km``, the distance to the nearest training row in km.
"""

import logging
import math
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from housing.onnx_session import (
    NEAREST_KM,
    ONNX_ERRORS,
    OUTPUTS,
    OVERVIEW,
    TAKES_COLUMNS,
    graph_inputs,
)
from housing.schema import FEATURE_NAMES, FEATURES, GEOGRAPHY, SUBJECT
from housing.tree_library import open_graph
from predict.errors import ModelOutputError, ModelRefusedError

_LOG = logging.getLogger(__name__)
_FLOAT, _TEXT = "tensor(float)", "tensor(string)"
_IS_PROBABILITY = SUBJECT.task == "classification"
_NAMES = (*OUTPUTS, NEAREST_KM)
_WIDTH = len(FEATURE_NAMES)
_FLOAT_BYTES = 4
_FIRST = np.array([0])
_put = struct.Struct(f"={_WIDTH}f").pack_into


class Prediction(NamedTuple):
    """A prediction and its 90 % interval in the target's unit; km to the nearest training row.

    Of a classification all three are the probability.
    """

    value: float
    lower: float
    upper: float
    nearest_km: float | None = None

    def named(self) -> dict[str, float]:
        """Return the numbers by the names of the graph's outputs."""
        if _IS_PROBABILITY:
            return {OUTPUTS[0]: self.value}
        pairs = zip(_NAMES, self, strict=True)
        return {name: value for name, value in pairs if value is not None}


class PredictedColumns(NamedTuple):
    """``Prediction`` of n rows, column by column, float32 ``[n]`` each."""

    value: NDArray[np.float32]
    lower: NDArray[np.float32]
    upper: NDArray[np.float32]
    nearest_km: NDArray[np.float32] | None = None

    def named(self) -> dict[str, NDArray[np.float32]]:
        """Return the columns by the names of the graph's outputs."""
        if _IS_PROBABILITY:
            return {OUTPUTS[0]: self.value}
        pairs = zip(_NAMES, self, strict=True)
        return {name: column for name, column in pairs if column is not None}

    def rows(self, which: NDArray[np.intp]) -> list[Prediction]:
        """Return the predictions of some rows, by index."""
        columns = [column[which].tolist() for column in self if column is not None]
        return list(map(Prediction, *columns))


class OneRow:
    """Runs one row at a time, for one thread at a time, in memory that is bound to it once.

    ``InferenceSession.run`` makes arrays, looks names up and allocates at every call; for one row
    that is a third of the time. See https://onnxruntime.ai/docs/api/python/api_summary.html,
    "IOBinding".
    """

    __slots__ = ("_binding", "_memory", "_outputs", "_session")

    def __init__(
        self, session: onnxruntime.InferenceSession, input_name: str, outputs: Sequence[str]
    ) -> None:
        """Bind the input, float32 ``[1, features]``, and the outputs, one float32 each."""
        self._session = session
        row = np.zeros((1, _WIDTH), np.float32)
        self._memory = row.data  # keeps the row alive
        self._outputs = np.zeros(len(outputs), np.float32)
        self._binding = session.io_binding()
        self._binding.bind_input(input_name, "cpu", 0, np.float32, row.shape, row.ctypes.data)
        ranks = {output.name: len(output.shape) for output in session.get_outputs()}
        for place, name in enumerate(outputs):
            self._binding.bind_output(
                name,
                "cpu",
                0,
                np.float32,
                (1,) * ranks[name],
                self._outputs.ctypes.data + place * _FLOAT_BYTES,
            )

    def run(self, values: Sequence[float]) -> list[float]:
        """Return one number for each output.

        Args:
            values: Canonical numbers in schema order.

        Raises:
            RuntimeError: The graph fails, or an output has another shape than it declares.
            ONNX_ERRORS: The same, perhaps, in another version of ONNX Runtime.
            struct.error: There are more or fewer.
            OverflowError: A number is beyond float32.
        """
        _put(self._memory, 0, *values)
        self._session.run_with_iobinding(self._binding)
        numbers: list[float] = self._outputs.tolist()
        return numbers


class Predictor:
    """One loaded graph."""

    def __init__(self, model: bytes, *, trees_proof: str | None = None) -> None:
        """Load a serialized graph and check its signature.

        Args:
            model: The graph.
            trees_proof: See ``open_graph``.

        Raises:
            ModelRefusedError: It cannot be loaded, or breaks the contract.
        """
        try:
            opened = open_graph(model, proof=trees_proof)
        except ONNX_ERRORS as exc:
            msg = "the model file is not a graph that ONNX Runtime can load"
            raise ModelRefusedError(msg) from exc
        opened.log(_LOG)
        self._session, self.trees = opened.session, opened.trees
        self._input = _checked_signature(self._session)
        has_distance = GEOGRAPHY is not None and NEAREST_KM in _names(self._session)
        self.outputs = (*OUTPUTS, NEAREST_KM) if has_distance else OUTPUTS
        """Names of the graph's outputs that are read."""
        self._idle: list[OneRow] = []  # as many as there were threads at once

    @property
    def overview(self) -> str | None:
        """The overview of the training rows in the graph's metadata, as it is; None without one."""
        metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        return metadata.get(OVERVIEW)

    def predict_one(self, values: Sequence[float]) -> Prediction:
        """Predict one row of canonical values in schema order.

        Raises:
            ModelOutputError: The graph fails, or returns other than one finite number a row.
        """
        if TAKES_COLUMNS:
            return self.predict_columns(np.array([values], np.float64)).rows(_FIRST)[0]
        try:
            one_row = self._idle.pop()
        except IndexError:  # another thread has it
            one_row = OneRow(self._session, self._input, self.outputs)
        try:
            outputs = one_row.run(values)
        except (RuntimeError, *ONNX_ERRORS, struct.error, OverflowError) as exc:
            raise _failed(1) from exc
        self._idle.append(one_row)
        if not math.isfinite(sum(outputs)):
            raise _bad_output(1)
        return Prediction(*outputs * 3) if _IS_PROBABILITY else Prediction(*outputs)

    def predict_columns(self, features: NDArray[np.float64]) -> PredictedColumns:
        """Predict canonical rows, ``[n, features]``, in one run.

        Raises:
            ModelOutputError: As in ``predict_one``.
        """
        rows = len(features)
        if not rows:
            empty = [np.empty(0, np.float32) for _ in self.outputs]
            return _columns(empty)
        columns = [output.ravel() for output in self._run(features)]
        for column in columns:
            # The sum of finite numbers this small is finite; of others it is not.
            if len(column) != rows or not math.isfinite(column.sum(dtype=np.float64)):
                raise _bad_output(rows)
        return _columns(columns)

    def _run(self, features: NDArray[np.float64]) -> list[NDArray[np.float32]]:
        try:
            outputs: list[NDArray[np.float32]] = self._session.run(
                self.outputs, self._inputs(features)
            )
        except ONNX_ERRORS as exc:
            raise _failed(len(features)) from exc
        return outputs

    def _inputs(self, features: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
        if TAKES_COLUMNS:
            return graph_inputs(features)
        return {self._input: features.astype(np.float32)}


def _columns(outputs: list[NDArray[np.float32]]) -> PredictedColumns:
    return PredictedColumns(*outputs * 3) if _IS_PROBABILITY else PredictedColumns(*outputs)


def _failed(rows: int) -> ModelOutputError:
    return ModelOutputError(f"the model failed on {rows} rows")


def _bad_output(rows: int) -> ModelOutputError:
    return ModelOutputError(f"an output of the model is not one finite number for each of {rows}")


def _names(session: onnxruntime.InferenceSession) -> list[str]:
    return [output.name for output in session.get_outputs()]


def _checked_signature(session: onnxruntime.InferenceSession) -> str:
    """Check inputs and outputs; return the first input's name."""
    inputs = session.get_inputs()
    outputs = {output.name: output.type for output in session.get_outputs()}
    if TAKES_COLUMNS:
        _check_columns({entry.name: entry.type for entry in inputs})
    elif (
        len(inputs) != 1
        or inputs[0].type != _FLOAT
        or len(inputs[0].shape) != 2  # noqa: PLR2004 - rows and columns
        or inputs[0].shape[1] != _WIDTH
    ):
        actual = [(entry.type, entry.shape) for entry in inputs]
        msg = f"the model's input is {actual}, not one {_FLOAT} of [n, {_WIDTH}]"
        raise ModelRefusedError(msg)
    if any(outputs.get(name) != _FLOAT for name in OUTPUTS):
        msg = f"the model's outputs are {outputs}, not {', '.join(OUTPUTS)} of {_FLOAT}"
        raise ModelRefusedError(msg)
    return str(inputs[0].name)


def _check_columns(inputs: dict[str, str]) -> None:
    """Check the inputs of a graph that takes columns; a wrong number's type fails its first row."""
    texts = {column.name: column.kind == "category" for column in FEATURES}
    if {name: kind == _TEXT for name, kind in inputs.items()} != texts:
        names = ", ".join(f"{name} (text)" if text else name for name, text in texts.items())
        msg = f"the model's inputs are {inputs}, not one for each column: {names}"
        raise ModelRefusedError(msg)
