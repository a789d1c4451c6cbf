"""LitServe, with its own validation by a pydantic model."""

import argparse
import os
from typing import Any

import litserve
import numpy as np
import onnxruntime
from pydantic import BaseModel


class Rows(BaseModel):
    """Many rows of eight numbers."""

    instances: list[list[float]]


class Housing(litserve.LitAPI):  # type: ignore[misc]  # not installed where mypy is
    """One ONNX graph."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's signature
        """Load the model."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"], options)

    def decode_request(self, request: Rows) -> Any:
        """Return float32 rows."""
        return np.array(request.instances, np.float32)

    def predict(self, x: Any) -> Any:
        """Return price, lower and upper."""
        return self.session.run(["price", "lower", "upper"], {"features": x})

    def encode_response(self, output: Any) -> dict[str, list[float]]:
        """Return lists."""
        names = ("price", "lower", "upper")
        return {name: column.ravel().tolist() for name, column in zip(names, output, strict=True)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    server = litserve.LitServer(Housing(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=parser.parse_args().port,
        generate_client_file=False,
        log_level="warning",
        num_api_servers=1,
    )
