"""The HTTP application: routes over a model store, whatever serves them."""

from fastapi import FastAPI

from predict import problems
from predict.model_card import Health, ModelCard
from predict.routes import Endpoints
from predict.schemas import BlockGroup, PredictedPrice
from predict.served_model import ModelStore
from predict.settings import PredictSettings
from predict.telemetry import MetricSink

_TITLE = "California housing prices"
_VERSION = "1.0.0"
_REQUEST_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": BlockGroup.model_json_schema()}},
    }
}


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
    app.add_api_route(
        "/predict",
        endpoints.predict,
        methods=["POST"],
        response_model=PredictedPrice,
        openapi_extra=_REQUEST_BODY,
        responses=problems.documented(400, 415, 422, 503),
    )
    app.add_api_route("/health", endpoints.health, methods=["GET"], response_model=Health)
    app.add_api_route(
        "/model",
        endpoints.model,
        methods=["GET"],
        response_model=ModelCard,
        responses=problems.documented(503),
    )
    app.add_api_route("/ping", endpoints.ping, methods=["GET"])
    return app
