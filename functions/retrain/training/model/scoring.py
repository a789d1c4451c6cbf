"""Predictions of a model file by the runtime that the service uses."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from housing.onnx_session import NEAREST_KM, ONNX_ERRORS, OUTPUTS, open_session
from retrain.training.dataset.rows import Values
from retrain.training.errors import ModelLoadError


@dataclass(frozen=True, slots=True)
class Predictions:
    """Prices and their intervals, ``[n]`` each, in $100,000.

    Attributes:
        nearest_km: Distance to the nearest training row, where the graph says it.
    """

    price: Values
    lower: Values
    upper: Values
    nearest_km: Values | None = None


def score(model: bytes, features: NDArray[np.float32]) -> Predictions:
    """Predict n rows, ``[n, 8]``, with a serialized graph.

    Raises:
        ModelLoadError: It cannot be loaded or run, or answers not one finite price for each row.
    """
    try:
        session = open_session(model)
        more = [one.name for one in session.get_outputs() if one.name == NEAREST_KM]
        answers = session.run([*OUTPUTS, *more], {session.get_inputs()[0].name: features})
    # ValueError is ONNX Runtime's word for an input or output that the graph does not have.
    except (*ONNX_ERRORS, ValueError) as exc:
        msg = "the model file is no graph that ONNX Runtime can load and run on the rows"
        raise ModelLoadError(msg) from exc
    columns = [np.asarray(answer, dtype=np.float64).ravel() for answer in answers]
    if any(len(column) != len(features) or not np.isfinite(column).all() for column in columns):
        msg = f"the model does not answer one finite number for each of {len(features):,} rows"
        raise ModelLoadError(msg)
    return Predictions(*columns)
