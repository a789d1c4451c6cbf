"""Errors as clients see them: RFC 9457 problem details, never an internal."""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from predict.errors import STATUS, InvalidFieldsError, ModelUnavailableError, PredictError

PROBLEM_JSON = "application/problem+json"
_LOG = logging.getLogger(__name__)


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str
    row: int | None = Field(None, description="number of the row in a batch; the first is 1")
    value: Any = Field(None, description="what was sent, where it is short and a scalar")


class Problem(BaseModel):
    """An error, after RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldError] = []


def problem(
    request: Request,
    status: HTTPStatus,
    detail: str,
    *,
    errors: tuple[Mapping[str, Any], ...] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer a request with a problem."""
    body = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "instance": quote(request.url.path),
        "errors": list(errors),
    }
    content = json.dumps(body, allow_nan=False)
    return Response(content, status, headers, media_type=PROBLEM_JSON)


async def of_predict_error(request: Request, exc: Exception) -> Response:
    """Answer with the status that the table gives the error."""
    assert isinstance(exc, PredictError)  # noqa: S101 - registered for nothing else
    status = STATUS.get(type(exc), HTTPStatus.INTERNAL_SERVER_ERROR)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("prediction_failed", exc_info=exc)
        return problem(request, status, "the prediction failed; the reason is in the log")
    errors = exc.errors if isinstance(exc, InvalidFieldsError) else ()
    return problem(request, status, str(exc), errors=errors, headers=_retry_after(exc))


async def of_http_exception(request: Request, exc: Exception) -> Response:
    """Answer what the router refuses: an unknown route, a wrong method."""
    assert isinstance(exc, HTTPException)  # noqa: S101 - registered for nothing else
    status = HTTPStatus(exc.status_code)
    detail = f"{request.method} {request.url.path}: {status.description or exc.detail}"
    return problem(request, status, detail, headers=exc.headers)


class UnexpectedErrors:
    """The outermost handler: an error that nobody foresaw is logged, and told without internals."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an ASGI application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            _LOG.exception("unexpected_error", extra={"path": scope.get("path")})
            if started or scope["type"] != "http":
                raise
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            detail = "something failed that should not; the reason is in the log"
            await problem(Request(scope), status, detail)(scope, receive, send)


def install(app: FastAPI) -> None:
    """Make an application answer every error with a problem."""
    app.add_exception_handler(PredictError, of_predict_error)
    app.add_exception_handler(HTTPException, of_http_exception)
    app.add_middleware(UnexpectedErrors)


def _retry_after(exc: PredictError) -> dict[str, str]:
    if isinstance(exc, ModelUnavailableError):
        return {"Retry-After": str(exc.retry_after_seconds)}
    return {}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems of a route for its OpenAPI document."""
    content = {PROBLEM_JSON: {"schema": Problem.model_json_schema()}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }
