"""The HTTP application: routes over a model store, whatever serves them."""

from typing import Any

from fastapi import FastAPI

from predict import problems
from predict.model_card import Health, ModelCard
from predict.routes import Endpoints
from predict.schemas import (
    BatchPrediction,
    BlockGroup,
    MlflowPredictions,
    PredictedPrice,
)
from predict.served_model import ModelStore
from predict.settings import PredictSettings
from predict.telemetry import MetricSink

_TITLE = "California housing prices"
_VERSION = "1.0.0"
_BATCH_SCHEMA = {
    "type": "object",
    "required": ["instances"],
    "properties": {"instances": {"type": "array", "items": BlockGroup.model_json_schema()}},
}
_PREDICTION_PROBLEMS = (400, 413, 415, 422, 503)


def _json_body(schema: dict[str, Any], *, with_csv: bool = False) -> dict[str, Any]:
    """Describe a body that the route reads by itself."""
    content = {"application/json": {"schema": schema}}
    csv = {"text/csv": {"schema": {"type": "string"}}} if with_csv else {}
    return {"requestBody": {"required": True, "content": content | csv}}


def create_app(settings: PredictSettings, models: ModelStore, metrics: MetricSink) -> FastAPI:
    """Build the application.

    Args:
        settings: Stage and alias, shown by the routes.
        models: Hands out the model to serve.
        metrics: Where the application's metrics go.
    """
    app = FastAPI(title=_TITLE, version=_VERSION)
    problems.install(app)
    endpoints = Endpoints(settings, models, metrics)
    _add_predictions(app, endpoints)
    app.add_api_route("/health", endpoints.health, methods=["GET"], response_model=Health)
    app.add_api_route(
        "/model",
        endpoints.model,
        methods=["GET"],
        response_model=ModelCard,
        responses=problems.documented(503),
    )
    app.add_api_route("/ping", endpoints.ping, methods=["GET"])
    app.add_api_route("/version", endpoints.version, methods=["GET"])
    return app


def _add_predictions(app: FastAPI, endpoints: Endpoints) -> None:
    app.add_api_route(
        "/predict",
        endpoints.predict,
        methods=["POST"],
        response_model=PredictedPrice,
        openapi_extra=_json_body(BlockGroup.model_json_schema()),
        responses=problems.documented(*_PREDICTION_PROBLEMS),
    )
    app.add_api_route(
        "/predict/batch",
        endpoints.predict_batch,
        methods=["POST"],
        response_model=BatchPrediction,
        openapi_extra=_json_body(_BATCH_SCHEMA, with_csv=True),
        responses=problems.documented(*_PREDICTION_PROBLEMS),
    )
    app.add_api_route(
        "/invocations",
        endpoints.invocations,
        methods=["POST"],
        response_model=MlflowPredictions,
        openapi_extra=_json_body({"type": "object"}, with_csv=True),
        responses=problems.documented(400, 413, 415, 503),
    )
