"""The HTTP application: routes over a model store, whatever serves them."""

from collections.abc import Callable
from functools import cache

from fastapi import FastAPI

from predict.access.auth import Authenticator
from predict.admin.data_changes import DataChanges
from predict.admin.model_changes import ModelChanges
from predict.admin.promotion_watch import PromotionWatch
from predict.http import openapi as api_document
from predict.http import problem_handlers as framework_problems
from predict.http.asgi import LaneMiddleware
from predict.http.key_middleware import KeyCheck
from predict.http.routes.data import data_routes
from predict.http.routes.metrics import metrics_route
from predict.http.routes.models import model_routes
from predict.http.routes.predictions import lane_routes
from predict.http.routes.service import service_routes
from predict.model.served_model import ModelStore
from predict.scoring.lane import PredictionLane
from predict.settings import PredictSettings
from predict.shadow.shadow import Shadow
from predict.telemetry.account_metrics import AccountMetrics
from predict.telemetry.telemetry import Telemetry

_TITLE = "California housing prices"
_VERSION = "1.0.0"


def create_app(  # noqa: PLR0913, PLR0917 - each is a part, given by name
    settings: PredictSettings,
    models: ModelStore,
    telemetry: Telemetry,
    authenticator: Authenticator,
    changes: Callable[[], ModelChanges],
    shadow: Shadow | None = None,
    metrics: Callable[[], AccountMetrics] | None = None,
    promotion: PromotionWatch | None = None,
) -> FastAPI:
    """Build the application.

    Args:
        settings: Stage and alias, shown by the routes.
        models: Hands out the model to serve.
        telemetry: Told of every request.
        authenticator: Decides who may do what.
        changes: Makes what changes the live model, at the first request that needs it.
        shadow: Compares requests with the challenger, if that is wanted.
        metrics: Makes what reads the account's metrics, likewise; without it nothing tells them.
        promotion: Knows whether jobs may promote, for ``/health``; without it that is not known.
    """
    app = FastAPI(
        title=_TITLE,
        version=_VERSION,
        openapi_url=None,  # api_document's business, as are the pages
        generate_unique_id_function=lambda route: route.name,
    )
    app.add_middleware(KeyCheck, authenticator=authenticator)
    framework_problems.install(app)
    lane = PredictionLane(
        models,
        telemetry,
        authenticator,
        max_rows=settings.max_batch_rows,
        shadow=shadow.compare_aside if shadow else None,
    )
    app.add_middleware(LaneMiddleware, lane=lane)
    app.include_router(lane_routes(lane))
    app.include_router(service_routes(settings, models, telemetry, promotion))
    if metrics is not None:
        app.include_router(metrics_route(cache(metrics)))
    made = cache(changes)
    app.include_router(model_routes(made, settings.model_name))
    app.include_router(
        data_routes(lambda: DataChanges(made().live, settings.model_name, made().alerts))
    )
    api_document.describe(app)
    return app
