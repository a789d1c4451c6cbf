"""Prices of rows by one ONNX graph.

The graph's contract: one input, float32 ``[n, 8]`` in the order of ``housing.schema.FEATURES``;
three outputs named ``price``, ``lower`` and ``upper``, float32 ``[n, 1]`` or ``[n]``, in $100,000.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from housing.onnx_session import ONNX_ERRORS, OUTPUTS, open_session
from housing.schema import FEATURE_NAMES
from predict.errors import ModelOutputError, ModelRefusedError

_FLOAT = "tensor(float)"


@dataclass(frozen=True, slots=True)
class Prediction:
    """A price and its 90 % interval, in $100,000."""

    price: float
    lower: float
    upper: float


class PredictedColumns(NamedTuple):
    """Prices of n rows and their 90 % intervals, float32 ``[n]`` each, in $100,000."""

    price: NDArray[np.float32]
    lower: NDArray[np.float32]
    upper: NDArray[np.float32]


class Predictor:
    """One loaded graph."""

    def __init__(self, model: bytes) -> None:
        """Load a serialized graph.

        Raises:
            ModelRefusedError: It cannot be loaded, or does not keep the contract.
        """
        try:
            self._session = open_session(model)
        except ONNX_ERRORS as exc:
            msg = "the model file is no graph that ONNX Runtime can load"
            raise ModelRefusedError(msg) from exc
        self._input = _checked_signature(self._session)

    def predict(self, rows: Sequence[Sequence[float]]) -> list[Prediction]:
        """Predict n rows of eight features in schema order.

        Raises:
            ModelOutputError: The graph fails, or answers not one finite number for each row.
        """
        columns = [column.tolist() for column in self._run(np.asarray(rows, dtype=np.float32))]
        for name, column in zip(OUTPUTS, columns, strict=True):
            # Faster than NumPy for the one row that it mostly is.
            if len(column) != len(rows) or not all(map(math.isfinite, column)):
                raise _bad_output(name, len(rows))
        return [Prediction(*values) for values in zip(*columns, strict=True)]

    def predict_columns(self, features: NDArray[np.float64]) -> PredictedColumns:
        """Predict n rows, ``[n, 8]`` in schema order, in one run; no row is looked at by itself.

        Raises:
            ModelOutputError: As in ``predict``.
        """
        if not len(features):
            return PredictedColumns(*(np.empty(0, np.float32) for _ in OUTPUTS))
        columns = self._run(features.astype(np.float32))
        for name, column in zip(OUTPUTS, columns, strict=True):
            if len(column) != len(features) or not np.isfinite(column).all():
                raise _bad_output(name, len(features))
        return PredictedColumns(*columns)

    def _run(self, features: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        try:
            answers = self._session.run(OUTPUTS, {self._input: features})
        except ONNX_ERRORS as exc:
            msg = f"the model failed on {len(features)} rows"
            raise ModelOutputError(msg) from exc
        return [answer.ravel() for answer in answers]


def _bad_output(name: str, rows: int) -> ModelOutputError:
    return ModelOutputError(f"the model's {name} is not one finite number for each of {rows} rows")


def _checked_signature(session: onnxruntime.InferenceSession) -> str:
    """Return the input's name."""
    inputs = session.get_inputs()
    outputs = {output.name: output.type for output in session.get_outputs()}
    width = len(FEATURE_NAMES)
    if (
        len(inputs) != 1
        or inputs[0].type != _FLOAT
        or len(inputs[0].shape) != 2  # noqa: PLR2004 - rows and columns
        or inputs[0].shape[1] != width
    ):
        found = [(entry.type, entry.shape) for entry in inputs]
        msg = f"the model's input is {found}, not one {_FLOAT} of [n, {width}]"
        raise ModelRefusedError(msg)
    if any(outputs.get(name) != _FLOAT for name in OUTPUTS):
        msg = f"the model's outputs are {outputs}, not {', '.join(OUTPUTS)} of {_FLOAT}"
        raise ModelRefusedError(msg)
    return str(inputs[0].name)
