"""The HTTP application: routes over a model store, whatever serves them."""

from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response

from predict import framework_problems
from predict.asgi import LaneMiddleware, call_of, response
from predict.auth import Authenticator
from predict.key_check import KeyCheck
from predict.lane import PredictionLane
from predict.model_card import Health, ModelCard
from predict.model_changes import ModelChanges
from predict.model_routes import model_routes
from predict.pages import Pages
from predict.schemas import (
    BatchPrediction,
    BlockGroup,
    MlflowPredictions,
    PredictedPrice,
)
from predict.served_model import ModelStore
from predict.settings import PredictSettings
from predict.telemetry import Telemetry

_TITLE = "California housing prices"
_VERSION = "1.0.0"
_PREDICTION_PROBLEMS = (400, 413, 415, 422, 503)


def _json_body(schema: dict[str, Any], *, with_csv: bool = False) -> dict[str, Any]:
    """Describe a body that the route reads by itself."""
    content = {"application/json": {"schema": schema}}
    csv = {"text/csv": {"schema": {"type": "string"}}} if with_csv else {}
    return {"requestBody": {"required": True, "content": content | csv}}


def create_app(
    settings: PredictSettings,
    models: ModelStore,
    telemetry: Telemetry,
    authenticator: Authenticator,
    changes: Callable[[], ModelChanges],
) -> FastAPI:
    """Build the application.

    Args:
        settings: Stage and alias, shown by the routes.
        models: Hands out the model to serve.
        telemetry: Told of every request.
        authenticator: Decides who may do what.
        changes: Makes what changes the live model, at the first request that needs it.
    """
    app = FastAPI(title=_TITLE, version=_VERSION)
    app.add_middleware(KeyCheck, authenticator=authenticator)
    framework_problems.install(app)
    lane = PredictionLane(models, telemetry, authenticator, max_rows=settings.max_batch_rows)
    app.add_middleware(LaneMiddleware, lane=lane)
    _describe_predictions(app, lane)
    pages = Pages(settings, models, telemetry)
    app.add_api_route("/health", pages.health, methods=["GET"], response_model=Health)
    app.add_api_route(
        "/model",
        pages.model,
        methods=["GET"],
        response_model=ModelCard,
        responses=framework_problems.documented(503),
    )
    app.include_router(model_routes(cache(changes), settings.model_name))
    app.add_api_route("/ping", pages.ping, methods=["GET"])
    app.add_api_route("/version", pages.version, methods=["GET"])
    return app


def _describe_predictions(app: FastAPI, lane: PredictionLane) -> None:
    """Make the lane's routes known: to the document, and to the answer to a wrong method."""

    async def predict(request: Request) -> Response:
        return response(lane.answer(call_of(request.scope, await request.body())))

    batch = {
        "type": "object",
        "required": ["instances"],
        "properties": {"instances": {"type": "array", "items": BlockGroup.model_json_schema()}},
    }
    app.add_api_route(
        "/predict",
        predict,
        methods=["POST"],
        response_model=PredictedPrice,
        openapi_extra=_json_body(BlockGroup.model_json_schema()),
        responses=framework_problems.documented(*_PREDICTION_PROBLEMS),
    )
    app.add_api_route(
        "/predict/batch",
        predict,
        methods=["POST"],
        response_model=BatchPrediction,
        openapi_extra=_json_body(batch, with_csv=True),
        responses=framework_problems.documented(*_PREDICTION_PROBLEMS),
    )
    app.add_api_route(
        "/invocations",
        predict,
        methods=["POST"],
        response_model=MlflowPredictions,
        openapi_extra=_json_body({"type": "object"}, with_csv=True),
        responses=framework_problems.documented(400, 413, 415, 503),
    )
