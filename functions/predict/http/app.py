"""The FastAPI application: its routes and middleware, over the function's parts."""

import gc
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI

from housing.schema import SUBJECT
from predict.access.auth import Authenticator
from predict.access.key_store import StoredSecret
from predict.admin.data_changes import DataChanges
from predict.admin.model_changes import ModelChanges
from predict.admin.promotion_watch import PromotionWatch
from predict.composition import Service, service
from predict.http import openapi, problem_handlers
from predict.http.asgi import KeyCheck, ScoringMiddleware
from predict.http.methods import MethodMiddleware
from predict.http.routes.alerts import alert_routes
from predict.http.routes.data import data_routes
from predict.http.routes.jobs import job_routes
from predict.http.routes.models import model_routes
from predict.http.routes.open_inference import open_inference_routes
from predict.http.routes.page import page_routes
from predict.http.routes.predictions import scoring_routes
from predict.http.routes.service import metrics_route, service_routes
from predict.http.routes.subject import subject_routes
from predict.model.store import ModelStore
from predict.scoring.service import ScoringService
from predict.settings import PredictSettings
from predict.shadow.shadow import Shadow
from predict.telemetry.account_metrics import AccountMetrics
from predict.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from predict.aws_composition import Operations

_VERSION = "1.0.0"


def create_app(  # noqa: PLR0913, PLR0917 - the parts, given by name
    settings: PredictSettings,
    models: ModelStore,
    telemetry: Telemetry,
    authenticator: Authenticator,
    changes: Callable[[], ModelChanges],
    shadow: Shadow | None = None,
    metrics: Callable[[], AccountMetrics] | None = None,
    promotion: PromotionWatch | None = None,
    hooks: APIRouter | None = None,
    operations: "Callable[[], Operations] | None" = None,
) -> FastAPI:
    """Build the application.

    Args:
        settings: With stage and alias, which routes show.
        models: Hands out the model to serve.
        telemetry: Logs every request.
        authenticator: Accepts or rejects keys.
        changes: Returns the use case; called at the first request that needs it.
        shadow: Compares requests with the challenger.
        metrics: Returns the reader of the account's metrics, likewise; without it ``/metrics`` is
            missing.
        promotion: Reads for ``/health`` whether jobs may promote.
        hooks: Answers the registry's webhooks, where they are accepted.
        operations: Returns jobs, uploads and alarms, like ``changes``; without it their routes are
            missing.
    """
    app = FastAPI(
        title=SUBJECT.title,
        version=_VERSION,
        redirect_slashes=False,  # they are ignored: predict.http.methods
        openapi_url=None,  # predict.http.openapi serves it
        generate_unique_id_function=lambda route: route.name,
    )
    app.add_middleware(KeyCheck, authenticator=authenticator)
    problem_handlers.install(app)
    scoring = ScoringService(
        models,
        telemetry,
        authenticator,
        max_rows=settings.max_batch_rows,
        shadow=shadow.compare_in_background if shadow else None,
    )
    app.add_middleware(ScoringMiddleware, scoring=scoring)
    app.add_middleware(MethodMiddleware, cors_origin=settings.cors_origin)
    app.include_router(scoring_routes(scoring))
    app.include_router(open_inference_routes(models, _VERSION))
    app.include_router(service_routes(settings, models, telemetry, promotion))
    app.include_router(subject_routes(models))
    app.include_router(page_routes(settings.upload_origins, has_keys=settings.auth != "off"))
    if metrics is not None:
        app.include_router(metrics_route(cache(metrics)))
    use_case = cache(changes)
    app.include_router(model_routes(use_case, settings.model_name))
    app.include_router(
        data_routes(lambda: DataChanges(use_case().live, settings.model_name, use_case().alerts))
    )
    if operations is not None:
        parts = cache(operations)
        app.include_router(job_routes(lambda: parts().jobs, lambda: parts().uploads))
        app.include_router(alert_routes(lambda: parts().alarms))
    if hooks is not None:
        app.include_router(hooks)
    openapi.describe(app)
    return app


def _hooks(settings: PredictSettings) -> APIRouter | None:
    if settings.hook_secret is None:
        return None
    from predict.aws_composition import alias_audit  # noqa: PLC0415 - imports boto3
    from predict.http.routes.hooks import hook_routes  # noqa: PLC0415 - rarely accepted

    return hook_routes(
        cache(lambda: alias_audit(settings)),
        StoredSecret(settings.hook_secret),
        settings.model_name,
    )


def application(parts: Service | None = None) -> FastAPI:
    """Build the application for any ASGI server, by default from the environment.

    ``uvicorn --factory predict.http.app:application`` serves it; bind loopback.
    """
    parts = parts or service()

    def changes() -> "ModelChanges":
        from predict.aws_composition import model_changes  # noqa: PLC0415 - imports boto3

        def on_change() -> None:
            parts.models.recheck()
            if parts.promotion:
                parts.promotion.recheck()

        return model_changes(parts.settings, on_change)

    def metrics() -> "AccountMetrics":
        from predict.aws_composition import account_metrics  # noqa: PLC0415 - the same

        return account_metrics(parts.settings)

    def operations() -> "Operations":
        from predict.aws_composition import operations  # noqa: PLC0415 - the same

        return operations(parts.settings)

    app = create_app(
        parts.settings,
        parts.models,
        parts.telemetry,
        parts.authenticator,
        changes,
        parts.shadow,
        metrics,
        parts.promotion,
        _hooks(parts.settings),
        operations,
    )
    # All objects so far stay: collections over them would delay requests by tens of
    # milliseconds. See https://docs.python.org/3/library/gc.html#gc.freeze
    gc.freeze()
    return app
