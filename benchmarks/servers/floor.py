"""The floor: bare FastAPI, one pydantic model, ONNX Runtime; no keys, interval, logs or metrics.

The same trees answer as in the service: the library's, where it is built.
"""

import os
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

from housing.tree_library import open_graph


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
    session = open_graph(Path(os.environ["BENCH_MODEL"]).read_bytes()).session
    app = FastAPI()

    @app.post("/predict")
    async def predict(row: Row) -> dict[str, float]:
        values = np.array([list(row.model_dump().values())], np.float32)
        return {"price": session.run(["price"], {"features": values})[0].item()}

    @app.post("/predict/batch")
    async def predict_batch(rows: Rows) -> dict[str, list[float]]:
        values = [list(row.model_dump().values()) for row in rows.instances]
        prices = session.run(["price"], {"features": np.array(values, np.float32)})[0]
        return {"prices": prices.ravel().tolist()}

    return app
