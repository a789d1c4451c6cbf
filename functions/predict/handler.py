"""Entry of the predict function: an API Gateway event in, its response out."""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES
from mangum.types import LambdaContext

from predict.composition import service
from predict.problems import PROBLEM_JSON
from predict.telemetry import count_cold_start

Event = dict[str, Any]


def lambda_handler(event: Event, context: LambdaContext) -> dict[str, Any]:
    """Answer one request of API Gateway."""
    return _entry()(event, context)


@cache
def _entry() -> Callable[[Event, LambdaContext], dict[str, Any]]:
    """Build the entry at the first call; that call is the cold one."""
    parts = service()
    # Mangum takes the thread's current loop; Python 3.14 makes none by itself.
    asyncio.set_event_loop(asyncio.new_event_loop())
    adapter = Mangum(
        parts.app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, PROBLEM_JSON]
    )
    count_cold_start(parts.metrics)

    @parts.logger.inject_lambda_context(clear_state=True)
    def entry(event: Event, context: LambdaContext) -> dict[str, Any]:
        parts.logger.append_keys(request_id=event.get("requestContext", {}).get("requestId"))
        try:
            return adapter(event, context)
        finally:
            if parts.metrics.metric_set:
                parts.metrics.flush_metrics()

    return entry
