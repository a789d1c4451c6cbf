"""Problems of the routes that FastAPI serves, and their description for its OpenAPI document."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from predict import problems
from predict.errors import PredictError
from predict.http.asgi import starlette_response
from predict.problems import PROBLEM_JSON, refusal

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
    error_code: str | None = Field(None, description="of MLflow's errors, on /invocations")
    message: str | None = Field(None, description="the detail again, where MLflow has it")


async def _of_predict_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, PredictError)  # noqa: S101 - registered for nothing else
    return starlette_response(problems.of_predict_error(request.url.path, exc))


async def _of_invalid_request(request: Request, exc: Exception) -> Response:
    """Convert a validation error of a body or a query, as the scoring service does."""
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - registered for nothing else
    return starlette_response(problems.of_predict_error(request.url.path, refusal(exc.errors())))


async def _of_http_exception(request: Request, exc: Exception) -> Response:
    """Convert an error of the router: an unknown route, a wrong method."""
    assert isinstance(exc, HTTPException)  # noqa: S101 - registered for nothing else
    status = HTTPStatus(exc.status_code)
    path = request.url.path
    detail = f"{request.method} {path}: {status.description or exc.detail}"
    return starlette_response(problems.problem(path, status, detail, headers=exc.headers))


class UnexpectedErrors:
    """The outermost handler: logs an unexpected error and responds without internals."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application."""
        started = False

        async def watching_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watching_send)
        except Exception:
            _LOG.exception("unexpected_error", extra={"path": scope.get("path")})
            if started or scope["type"] != "http":
                raise
            await starlette_response(problems.unexpected(scope["path"]))(scope, receive, send)


def install(app: FastAPI) -> None:
    """Make an application answer every error with a problem."""
    app.add_exception_handler(PredictError, _of_predict_error)
    app.add_exception_handler(RequestValidationError, _of_invalid_request)
    app.add_exception_handler(HTTPException, _of_http_exception)
    app.add_middleware(UnexpectedErrors)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems of a route; ``openapi`` adds the schema that they refer to."""
    content = {PROBLEM_JSON: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}
    return {
        status: {"description": problems.phrase(HTTPStatus(status)), "content": content}
        for status in statuses
    }
