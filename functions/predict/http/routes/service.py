"""Routes about the service: health, model card, protocol version, metrics."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
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
from predict.telemetry.account_metrics import (
    ERRORS,
    QUANTILES,
    REQUESTS,
    SUCCESS,
    AccountMetrics,
)
from predict.telemetry.history import MOST_HOURS, Period
from predict.telemetry.telemetry import Telemetry


class Alive(BaseModel):
    """The answer of a process that is alive."""

    status: Literal["ok"] = "ok"


class PeriodFigures(BaseModel):
    """Figures of one period."""

    at: datetime = Field(description="its beginning")
    requests: int
    succeeded: int
    errors: dict[str, int] = Field(
        description="refused or failed requests by reason, without zeros"
    )
    latency_ms: dict[str, float] = Field(description="by quantile; empty without requests")

    @classmethod
    def of(cls, period: Period) -> "PeriodFigures":
        """Convert a period."""
        values = period.values
        return cls(
            at=period.at,
            requests=round(values[REQUESTS]),
            succeeded=round(values[SUCCESS]),
            errors={reason: round(values[one]) for reason, one in ERRORS.items() if values[one]},
            latency_ms={name: values[one] for name, one in QUANTILES.items() if one in values},
        )


class MetricHistory(BaseModel):
    """Requests to predict of the last hours, oldest period first."""

    until: datetime = Field(description="end of the last period")
    period_seconds: int
    periods: list[PeriodFigures]


def service_routes(
    settings: PredictSettings,
    models: ModelStore,
    telemetry: Telemetry,
    promotion: PromotionWatch | None,
) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["service"])

    async def current() -> ServedModel:
        if models.is_due():  # may wait for the registry: not on the event loop
            served = await run_in_threadpool(models.current)
        else:
            served = models.current()
        telemetry.log_model(served)
        return served

    @router.get("/health", response_model=Health, summary="Say whether all is well")
    async def health() -> Response:
        """Say which model answers and whether it is what the registry names; always 200."""
        state = await run_in_threadpool(promotion.current) if promotion else None
        automatic_promotion = PromotionSummary.of(state)
        try:
            served = await current()
        except ModelUnavailableError as exc:
            unavailable = Health(
                status="no_model",
                stage=settings.stage,
                model=None,
                stale=False,
                reason=str(exc),
                automatic_promotion=automatic_promotion,
            )
            return _answer(unavailable)
        served_health = Health(
            status="degraded" if served.stale else "ok",
            stage=settings.stage,
            model=summary(served, settings.model_alias),
            stale=served.stale,
            reason=served.reason,
            automatic_promotion=automatic_promotion,
        )
        return _answer(served_health, served)

    @router.get("/ping", response_model=Alive, summary="Say that the process is alive")
    async def ping() -> Response:
        """Answer that the process is alive; no model is needed."""
        return _answer(Alive())

    @router.get("/version", response_class=PlainTextResponse, summary="Name MLflow's version")
    async def version() -> Response:
        """Name the version of MLflow's scoring protocol that is spoken; no model is needed."""
        return PlainTextResponse(PROTOCOL_VERSION)

    @router.get(
        "/model",
        response_model=ModelCard,
        responses=documented(503),
        summary="Show the card of the model that answers",
    )
    async def model() -> Response:
        """Return the card of the model that answers."""
        served = await current()
        return _answer(card(served, settings.model_alias), served)

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

    @router.get(
        "/metrics/history",
        responses=documented(422, 503),
        summary="Show requests, errors and latencies of the last hours",
    )
    def metric_history(hours: Annotated[int, Query(ge=1, le=MOST_HOURS)] = 6) -> MetricHistory:
        """Show them by five minutes, above 24 hours by the hour; from CloudWatch, minutes late."""
        history = metrics().history(hours)
        return MetricHistory(
            until=history.until,
            period_seconds=int(history.period.total_seconds()),
            periods=[PeriodFigures.of(period) for period in history.periods],
        )

    return router


def _answer(body: BaseModel, served: ServedModel | None = None) -> Response:
    return Response(
        body.model_dump_json(), headers=model_headers(served) if served else {}, media_type=JSON
    )
