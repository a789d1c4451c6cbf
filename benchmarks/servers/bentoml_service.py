"""BentoML, with numpy arrays as its own validated type."""

import os
from typing import Annotated

import bentoml
import numpy as np
import onnxruntime
from bentoml.validators import DType, Shape

Rows = Annotated[np.ndarray, DType("float32"), Shape((-1, 8))]


@bentoml.service(workers=1, traffic={"timeout": 10})
class Housing:
    """One ONNX graph."""

    def __init__(self) -> None:
        """Load the model."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"], options)

    @bentoml.api  # type: ignore[untyped-decorator]  # not installed where mypy is
    def predict(self, rows: Rows) -> dict[str, list[float]]:
        """Return price, lower and upper."""
        outputs = self.session.run(["price", "lower", "upper"], {"features": rows})
        names = ("price", "lower", "upper")
        return {name: column.ravel().tolist() for name, column in zip(names, outputs, strict=True)}
