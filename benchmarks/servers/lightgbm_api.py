"""FastAPI around LightGBM's own predictor: a model of as many trees, as large, on the same rows."""

import os

import lightgbm
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel


class Rows(BaseModel):
    """Block groups, each a list of eight numbers in schema order."""

    instances: list[list[float]]


def create_app() -> FastAPI:
    """Build the application over the model file that ``BENCH_LIGHTGBM`` names."""
    booster = lightgbm.Booster(model_file=os.environ["BENCH_LIGHTGBM"])
    app = FastAPI()

    @app.post("/predict")
    async def predict(rows: Rows) -> dict[str, list[float]]:
        prices = booster.predict(np.array(rows.instances), num_threads=1)
        return {"prices": np.asarray(prices).tolist()}

    return app
