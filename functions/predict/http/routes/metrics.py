"""``GET /metrics``: the account's figures for a Prometheus that scrapes nothing but this API."""

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response

from predict.http import problem_handlers as framework_problems
from predict.telemetry.account_metrics import AccountMetrics


def metrics_route(metrics: Callable[[], AccountMetrics]) -> APIRouter:
    """Build the route.

    Args:
        metrics: Makes the reader, or returns it; not called before it is needed.
    """
    router = APIRouter(tags=["service"])

    @router.get(
        "/metrics",
        response_class=PlainTextResponse,
        responses=framework_problems.documented(503),
        summary="Tell what the account counted, in Prometheus' text format",
    )
    def account_metrics() -> Response:
        """Tell counters since the month began, and gauges; from CloudWatch, two minutes late."""
        # Few ask for it, and the function that only predicts never imports it.
        from predict.telemetry.prometheus import CONTENT_TYPE, as_text  # noqa: PLC0415

        return Response(as_text(metrics().figures()), media_type=CONTENT_TYPE)

    return router
