"""Entry of the predict function: an API Gateway event in, its response out."""

import gc
import logging
import random
from collections.abc import Callable
from functools import cache
from typing import Any

from snapshot_restore_py import register_after_restore, register_before_snapshot

from housing.function_log import function_logger
from predict.composition import Service, service
from predict.errors import ModelUnavailableError, PredictError, StoreUnavailableError
from predict.http.lambda_proxy import event_of, is_request, path_of, request_of
from predict.messages import cross_origin_headers
from predict.telemetry.telemetry import SERVICE

Event = dict[str, Any]
Entry = Callable[[Event, Any], dict[str, Any]]
_LOG = logging.getLogger(__name__)
_AUDIT = {"audit": "aliases"}
"""The event of the admin function's schedule, as infra/template.yaml has it."""


def lambda_handler(event: Event, context: Any) -> dict[str, Any]:
    """Answer one request of API Gateway."""
    return _entry()(event, context)


def before_snapshot() -> None:
    """Do before a SnapStart snapshot what the first requests would do; leave no connection open.

    Hooks: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
    """
    parts = service()
    _entry()
    _framework(parts)
    try:
        version = parts.models.current().version.version
    except ModelUnavailableError as exc:  # a version can be published before there is a model
        _LOG.warning("snapshot_without_model", extra={"reason": str(exc)})
    else:
        _LOG.info("snapshot_with_model", extra={"model_version": version})
    if parts.shadow:
        parts.shadow.prepare()
    parts.close_connections()


def after_restore() -> None:
    """Have the next request ask which model is live, and count as a cold one.

    A snapshot may be days old: the model in it may have been replaced since. All its sandboxes have
    the state of one random generator: without another seed each compares the same requests, and
    pauses as long as the others between two tries. Ids come from the system, which differ anyhow.
    """
    random.seed()
    parts = service()
    parts.models.recheck()
    if parts.shadow:
        parts.shadow.recheck()
    if parts.promotion:
        parts.promotion.recheck()
    parts.telemetry.mark_cold()


class _CurrentRequest(logging.Filter):
    """Adds the id of the request at work to every line; Powertools' own keys take 2.5 µs more."""

    id: str | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record."""
        record.request_id = self.id
        return True


@cache
def _entry() -> Entry:
    """Build the entry at the first call, the cold one."""
    parts = service()
    scoring = parts.scoring
    current = _CurrentRequest()
    for log in function_logger(SERVICE).handlers:
        log.addFilter(current)

    shared = cross_origin_headers(parts.settings.cors_origin)

    def entry(event: Event, context: Any) -> dict[str, Any]:
        if not is_request(event):
            return _audited(parts) if event == _AUDIT else _kept_warm(parts)
        current.id = event["requestContext"].get("requestId")
        path = path_of(event)
        if scoring.takes(event.get("httpMethod", ""), path):
            request = request_of(event, path, context.aws_request_id)
            return event_of(scoring.respond(request), shared)
        if "path" in event:
            event = {**event, "path": path}
        return _framework(parts)(event, context)

    gc.freeze()  # see predict.http.app
    return entry


def _kept_warm(parts: Service) -> dict[str, Any]:
    """Answer an event that is no request: a schedule that keeps warm, a test in the console.

    An error would count as one of the new version, for which a deployment is undone.
    """
    try:
        version = parts.models.current().version.version
    except PredictError as exc:
        _LOG.warning("event_ignored", extra={"reason": "not a request", "error": str(exc)})
        return {"ignored": "not a request of API Gateway", "model_version": None}
    _LOG.info("event_ignored", extra={"reason": "not a request", "model_version": version})
    return {"ignored": "not a request of API Gateway", "model_version": version}


def _audited(parts: Service) -> dict[str, Any]:
    """Audit the aliases: the schedule of the admin function.

    An outage is no fault of this function: the next audit does what this one could not.
    """
    from predict.admin.alias_audit import SWEEP  # noqa: PLC0415 - imports boto3
    from predict.aws_composition import alias_audit  # noqa: PLC0415 - the same

    try:
        repairs = alias_audit(parts.settings).run(who=SWEEP)
    except StoreUnavailableError as exc:
        _LOG.warning("aliases_not_audited", extra={"reason": str(exc)})
        return {"recorded": None}
    return {"recorded": len(repairs)}


@cache
def _framework(parts: Service) -> Entry:
    """Build the application at the first request that the scoring service does not take.

    FastAPI takes a third of a second to import; a function that only predicts never needs it.
    """
    import asyncio  # noqa: PLC0415 - see above

    from mangum import Mangum  # noqa: PLC0415
    from mangum.adapter import DEFAULT_TEXT_MIME_TYPES  # noqa: PLC0415

    from predict.http.app import application  # noqa: PLC0415
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
