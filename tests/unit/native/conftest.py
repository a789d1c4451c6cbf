"""The library as it was built for this processor, and sessions with it and without."""

import platform
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest

from housing_ops.checkout import CHECKOUT

Open = Callable[[bytes, Path | None], onnxruntime.InferenceSession]


@pytest.fixture(scope="session")
def library() -> Path:
    """Return the library that ``make trees`` built for this processor."""
    built = CHECKOUT / f"layers/shared/housing/native/trees-{platform.machine()}.so"
    if not built.exists():
        pytest.skip("the library of trees is not built: make trees")
    return built


@pytest.fixture(scope="session")
def open_model() -> Open:
    """Open a graph on one thread, with a library of operators or without."""

    def opened(model: bytes, library: Path | None) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        if library:
            options.register_custom_ops_library(str(library))
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    return opened
