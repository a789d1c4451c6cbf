"""Errors as clients see them: RFC 9457 problem details, never an internal."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson

from predict.errors import (
    STATUS,
    InvalidFieldsError,
    PredictError,
    UnauthorizedError,
    UnavailableError,
)
from predict.exchange import Answer

PROBLEM_JSON = "application/problem+json"
_RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}
_LOG = logging.getLogger(__name__)


def phrase(status: HTTPStatus) -> str:
    """Return a status in RFC 9110's words; Python 3.11 and 3.12 know two by their old names."""
    return _RENAMED.get(status.value, status.phrase)


def problem(
    path: str,
    status: HTTPStatus,
    detail: str,
    *,
    errors: tuple[Mapping[str, Any], ...] = (),
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Answer a request with a problem."""
    body = {
        "type": "about:blank",
        "title": phrase(status),
        "status": status.value,
        "detail": detail,
        "instance": quote(path),
        "errors": errors,
    }
    return Answer(status.value, _json(body), PROBLEM_JSON, headers or {})


def of_predict_error(path: str, exc: PredictError) -> Answer:
    """Answer with the status that the table gives the error."""
    status = STATUS.get(type(exc), HTTPStatus.INTERNAL_SERVER_ERROR)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("prediction_failed", exc_info=exc)
        return problem(path, status, "the prediction failed; the reason is in the log")
    errors = exc.errors if isinstance(exc, InvalidFieldsError) else ()
    return problem(path, status, str(exc), errors=errors, headers=_headers(exc))


def unexpected(path: str) -> Answer:
    """Answer that something failed that nobody foresaw."""
    detail = "something failed that should not; the reason is in the log"
    return problem(path, HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def _headers(exc: PredictError) -> dict[str, str]:
    if isinstance(exc, UnavailableError):
        return {"Retry-After": str(exc.retry_after_seconds)}
    if isinstance(exc, UnauthorizedError):
        return {"WWW-Authenticate": 'ApiKey realm="housing"'}  # RFC 9110: a 401 names its scheme
    return {}


def _json(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # half a surrogate pair, cut off or sent so
        return orjson.dumps(_encodable(body))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_encodable(key): _encodable(found) for key, found in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(found) for found in value]
    return value
