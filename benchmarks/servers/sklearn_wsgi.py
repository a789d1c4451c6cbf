"""Flask around scikit-learn's ``predict``, for gunicorn, as in SageMaker's scikit-learn image."""

import os
import pickle
from pathlib import Path

import numpy as np
from flask import Flask, Response, jsonify, request


def create_app() -> Flask:
    """Build the application over the model file that ``BENCH_PICKLE`` names."""
    content = Path(os.environ["BENCH_PICKLE"]).read_bytes()
    model = pickle.loads(content)  # noqa: S301 - this benchmark's own file
    app = Flask(__name__)

    @app.post("/invocations")
    def invocations() -> Response:
        rows = np.array(request.get_json()["instances"], np.float32)
        return jsonify(predictions=model.predict(rows).tolist())

    return app
