"""Routes about the service: health, model card, protocol version, metrics."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from predict.admin.model_card import Health, ModelCard, PromotionSummary, card, summary
from predict.admin.promotion_watch import PromotionWatch
from predict.errors import ModelUnavailableError
from predict.http.problem_handlers import documented
from predict.model.loading import ServedModel
from predict.model.store import ModelStore
from predict.scoring.mlflow_protocol import PROTOCOL_VERSION
from predict.scoring.request_body import JSON
from predict.scoring.service import model_headers
from predict.settings import PredictSettings
from predict.telemetry.account_metrics import AccountMetrics
from predict.telemetry.telemetry import Telemetry


def service_routes(
    settings: PredictSettings,
    models: ModelStore,
    telemetry: Telemetry,
    promotion: PromotionWatch | None,
) -> APIRouter:
    """Build the routes."""
    pages = _Pages(settings, models, telemetry, promotion)
    router = APIRouter(tags=["service"])
    get = partial(router.add_api_route, methods=["GET"])
    get("/health", pages.health, response_model=Health, summary="Say whether all is well")
    get("/ping", pages.ping, response_model=Alive, summary="Say that the process is alive")
    get(
        "/version",
        pages.version,
        response_class=PlainTextResponse,
        summary="Name MLflow's version",
    )
    get(
        "/model",
        pages.model,
        response_model=ModelCard,
        responses=documented(503),
        summary="Show the card of the model that answers",
    )
    return router


def metrics_route(metrics: Callable[[], AccountMetrics]) -> APIRouter:
    """Build the route.

    Args:
        metrics: Returns the reader; called when it is needed.
    """
    router = APIRouter(tags=["service"])

    @router.get(
        "/metrics",
        response_class=PlainTextResponse,
        responses=documented(503),
        summary="Tell what the account counted, in Prometheus' text format",
    )
    def account_metrics() -> Response:
        """Tell counters since the month began, and gauges; from CloudWatch, two minutes late."""
        # Rarely requested: a function that only predicts never imports it.
        from predict.telemetry.prometheus import CONTENT_TYPE, as_text  # noqa: PLC0415

        return Response(as_text(metrics().figures()), media_type=CONTENT_TYPE)

    return router


class Alive(BaseModel):
    """The answer of a process that is alive."""

    status: Literal["ok"] = "ok"


class _Pages:
    """The routes' functions."""

    def __init__(
        self,
        settings: PredictSettings,
        models: ModelStore,
        telemetry: Telemetry,
        promotion: PromotionWatch | None,
    ) -> None:
        self._settings = settings
        self._models = models
        self._telemetry = telemetry
        self._promotion = promotion

    async def version(self) -> Response:
        """Name the version of MLflow's scoring protocol that is spoken; no model is needed."""
        return PlainTextResponse(PROTOCOL_VERSION)

    async def health(self) -> Response:
        """Say which model answers and whether it is what the registry names; always 200."""
        stage = self._settings.stage
        watch = self._promotion
        state = await run_in_threadpool(watch.current) if watch else None
        promotion = PromotionSummary.of(state)
        try:
            served = await self._served()
        except ModelUnavailableError as exc:
            health = Health(
                status="no_model",
                stage=stage,
                model=None,
                stale=False,
                reason=str(exc),
                automatic_promotion=promotion,
            )
            return _answer(health)
        health = Health(
            status="degraded" if served.stale else "ok",
            stage=stage,
            model=summary(served, self._settings.model_alias),
            stale=served.stale,
            reason=served.reason,
            automatic_promotion=promotion,
        )
        return _answer(health, served)

    async def model(self) -> Response:
        """Return the card of the model that answers."""
        served = await self._served()
        return _answer(card(served, self._settings.model_alias), served)

    async def ping(self) -> Response:
        """Answer that the process is alive; no model is needed."""
        return _answer(Alive())

    async def _served(self) -> ServedModel:
        if self._models.is_due():  # may wait for the registry: not on the event loop
            served = await run_in_threadpool(self._models.current)
        else:
            served = self._models.current()
        self._telemetry.log_model(served)
        return served


def _answer(body: BaseModel, served: ServedModel | None = None) -> Response:
    return Response(
        body.model_dump_json(), headers=model_headers(served) if served else {}, media_type=JSON
    )
