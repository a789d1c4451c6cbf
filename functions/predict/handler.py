"""Entry of the predict function: an API Gateway event in, its response out."""

import gc
from collections.abc import Callable
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from snapshot_restore_py import register_after_restore, register_before_snapshot

from predict import snapshots
from predict.composition import Service, service
from predict.http.lambda_proxy import call_of, response_of
from predict.telemetry.telemetry import SERVICE

Event = dict[str, Any]
Entry = Callable[[Event, Any], dict[str, Any]]


def lambda_handler(event: Event, context: Any) -> dict[str, Any]:
    """Answer one request of API Gateway."""
    return _entry()(event, context)


def before_snapshot() -> None:
    """Do before a SnapStart snapshot what the first requests would do."""
    _entry()
    _framework(service())
    snapshots.prepare(service())


def after_restore() -> None:
    """Trust nothing that the snapshot says of the world."""
    snapshots.renew(service())


@cache
def _entry() -> Entry:
    """Build the entry at the first call; that call is the cold one."""
    parts = service()
    # It is named after the package, so that every module's own logger writes through it.
    logger = Logger(service=SERVICE)
    lane = parts.lane

    def entry(event: Event, context: Any) -> dict[str, Any]:
        if lane.takes(event.get("httpMethod", ""), event.get("path", "")):
            return response_of(lane.answer(call_of(event, context.aws_request_id)))
        logger.append_keys(request_id=event.get("requestContext", {}).get("requestId"))
        return _framework(parts)(event, context)

    gc.freeze()  # see predict.http.application
    return entry


@cache
def _framework(parts: Service) -> Entry:
    """Build the application at the first request that is not for the lane.

    FastAPI takes a third of a second to import; a function that only predicts never needs it.
    """
    import asyncio  # noqa: PLC0415 - as said

    from mangum import Mangum  # noqa: PLC0415
    from mangum.adapter import DEFAULT_TEXT_MIME_TYPES  # noqa: PLC0415

    from predict.http.application import application  # noqa: PLC0415
    from predict.problems import PROBLEM_JSON  # noqa: PLC0415

    # Mangum takes the thread's current loop; Python 3.14 makes none by itself.
    asyncio.set_event_loop(asyncio.new_event_loop())
    return Mangum(
        application(parts),
        lifespan="off",
        text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, PROBLEM_JSON],
    )


register_before_snapshot(before_snapshot)
register_after_restore(after_restore)
