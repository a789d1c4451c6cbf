"""Opening the model's graph, the same way wherever it is run: in the service and in training."""

from pathlib import Path

import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,  # noqa: A004 - ONNX Runtime's name: the graph has an operator it lacks
    RuntimeException,
)

INPUT = "features"
OUTPUTS = ("price", "lower", "upper")
"""The graph's contract: float32 ``[n, 8]`` in schema order in, float32 ``[n, 1]`` each out."""

NEAREST_KM = "nearest_km"
"""An output that a graph may have besides: the distance to the nearest training row, in km."""

ONNX_ERRORS = (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,
    RuntimeException,
)
"""What ONNX Runtime raises; its errors have no common base but Exception."""

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
