"""The floor: bare FastAPI, one pydantic model, ONNX Runtime; no keys, interval, logs or metrics."""

import os

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel


class Row(BaseModel):
    """One block group."""

    MedInc: float
    HouseAge: float
    AveRooms: float
    AveBedrms: float
    Population: float
    AveOccup: float
    Latitude: float
    Longitude: float


class Rows(BaseModel):
    """Many of them."""

    instances: list[Row]


def create_app() -> FastAPI:
    """Build the application over the model file that ``BENCH_MODEL`` names."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"], options)
    app = FastAPI()

    @app.post("/predict")
    async def predict(row: Row) -> dict[str, float]:
        values = np.array([list(row.model_dump().values())], np.float32)
        return {"price": session.run(["price"], {"features": values})[0].item()}

    @app.post("/predict/batch")
    async def predict_batch(rows: Rows) -> dict[str, list[float]]:
        values = [list(row.model_dump().values()) for row in rows.instances]
        found = session.run(["price"], {"features": np.array(values, np.float32)})[0]
        return {"prices": found.ravel().tolist()}

    return app
