"""MLServer: a custom runtime, as its documentation has it, around ONNX Runtime."""

import os

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Housing(MLModel):  # type: ignore[misc]  # not installed where mypy is
    """One ONNX graph."""

    async def load(self) -> bool:
        """Load the model."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"], options)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Return price, lower and upper."""
        rows = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32)
        names = ("price", "lower", "upper")
        predicted = self.session.run(names, {"features": rows})
        outputs = [
            NumpyCodec.encode_output(name, column)
            for name, column in zip(names, predicted, strict=True)
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)
