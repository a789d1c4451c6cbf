"""Opening the model's graph, the same way wherever it is run: in the service and in training."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,  # noqa: A004 - ONNX Runtime's name: the graph has an operator it lacks
    RuntimeException,
)

from housing.schema import FEATURES, SUBJECT
from housing.subject import Column

INPUT = "features"
OUTPUTS: tuple[str, ...] = (
    ("probability",) if SUBJECT.task == "classification" else (SUBJECT.output, "lower", "upper")
)
"""Outputs of the graph, float32 ``[n, 1]`` each."""
TAKES_COLUMNS = any(column.kind == "category" for column in FEATURES)
"""Whether the graph has an input for each column, because some are texts."""
OTHER = "other"

NEAREST_KM = "nearest_km"
"""An output that a graph may have besides: the distance to the nearest training row, in km."""

OVERVIEW = "training_rows"
"""Metadata that a graph may have: a coarse overview of the rows that it was fitted on, as JSON."""

ONNX_ERRORS = (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,
    RuntimeException,
)
"""Errors of ONNX Runtime; they have no common base but Exception."""

_ERRORS_ONLY = 3
_FATAL_ONLY = 4  # that a library refuses a graph is no error


def open_session(model: bytes, operators: Path | None = None) -> onnxruntime.InferenceSession:
    """Load a serialized graph to be run on one thread: a row takes microseconds.

    Args:
        model: The graph.
        operators: A library whose operators are preferred to ONNX Runtime's own.

    Raises:
        ONNX_ERRORS: It is no graph that ONNX Runtime can load; or the library cannot be loaded, or
            refuses the graph.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY if operators is None else _FATAL_ONLY
    if operators:
        options.register_custom_ops_library(str(operators))
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def graph_inputs(rows: NDArray[Any], name: str = INPUT) -> dict[str, NDArray[Any]]:
    """Return the graph's inputs for rows, ``[n, features]``, in schema order.

    Numbers alone are one input, float32 ``[n, features]``; NaN is a missing value. With categories
    each column is an input of its ``input_type``; a category's text is ``""`` where it is missing
    and ``OTHER`` where it is none of the subject's. They are ``[n]``, as MLflow gives a table's
    columns; the only column of a table is ``[n, 1]``.

    Args:
        rows: Canonical rows.
        name: Name of the one input, where a graph may be another's.
    """
    if not TAKES_COLUMNS:
        return {name: rows.astype(np.float32, copy=False)}
    columns = [rows] if len(FEATURES) == 1 else rows.T
    return {
        column.name: (
            _texts(column)[_codes(values, column)]
            if column.kind == "category"
            else values.astype(input_type(column))
        )
        for column, values in zip(FEATURES, columns, strict=True)
    }


def input_type(column: Column) -> type[Any]:
    """Return the type of a column's own input: that of a table's column in which none is missing.

    MLflow gives the columns of a table to the graph as they are, and converts none but float64.
    """
    if column.kind == "category":
        return str
    if column.optional or column.kind == "number":
        return np.float32
    return np.bool_ if column.kind == "boolean" else np.int64


def _texts(column: Column) -> NDArray[Any]:
    return np.array([*column.categories, OTHER, ""], dtype=object)


def _codes(values: NDArray[Any], column: Column) -> NDArray[np.intp]:
    return np.where(np.isnan(values), column.other + 1, values).astype(np.intp)
