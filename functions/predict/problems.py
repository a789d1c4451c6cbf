"""Errors as RFC 9457 problem details, without internals."""

import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from predict.errors import (
    SHOWN_ERRORS,
    STATUS,
    InvalidFieldsError,
    MalformedBodyError,
    PredictError,
    RequestError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedContentTypeError,
)
from predict.messages import Response

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

PROBLEM_JSON = "application/problem+json"
_RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}
_SHOWN_CHARACTERS = 100
_WHOLE_BODY = "body"
_INVOCATIONS, _OPEN_INFERENCE = "/invocations", "/v2"
_MLFLOW_CODES = {
    HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    HTTPStatus.FORBIDDEN: "PERMISSION_DENIED",
    HTTPStatus.INTERNAL_SERVER_ERROR: "INTERNAL_ERROR",
    HTTPStatus.SERVICE_UNAVAILABLE: "TEMPORARILY_UNAVAILABLE",
}
"""``error_code`` of MLflow's errors: mlflow/protos/databricks.proto."""
_LOG = logging.getLogger(__name__)


def phrase(status: HTTPStatus) -> str:
    """Return a status's phrase of RFC 9110; Python 3.11 and 3.12 have two old ones."""
    return _RENAMED.get(status.value, status.phrase)


def problem(
    path: str,
    status: HTTPStatus,
    detail: str,
    *,
    errors: tuple[Mapping[str, Any], ...] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Build a problem response."""
    body = {
        "type": "about:blank",
        "title": phrase(status),
        "status": status.value,
        "detail": detail,
        "instance": quote(path),
        "errors": errors,
        **_of_protocol(path, status, detail),
    }
    return Response(status.value, _json(body), PROBLEM_JSON, headers or {})


def _of_protocol(path: str, status: HTTPStatus, detail: str) -> dict[str, str]:
    """Return the fields in which clients of MLflow, or of the Open Inference Protocol, look."""
    if path == _INVOCATIONS:
        return {"error_code": _MLFLOW_CODES.get(status, "BAD_REQUEST"), "message": detail}
    return {"error": detail} if path.startswith(_OPEN_INFERENCE) else {}


def of_predict_error(path: str, exc: PredictError) -> Response:
    """Build the response for an error, with its status of the table."""
    status = STATUS.get(type(exc), HTTPStatus.INTERNAL_SERVER_ERROR)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("prediction_failed", exc_info=exc)
        return problem(path, status, "the prediction failed; the reason is in the log")
    errors = exc.errors if isinstance(exc, InvalidFieldsError) else ()
    return problem(path, status, str(exc), errors=errors, headers=_headers(exc))


def unexpected(path: str) -> Response:
    """Build the response for an unexpected error."""
    detail = "an unexpected error occurred; the reason is in the log"
    return problem(path, HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def _headers(exc: PredictError) -> dict[str, str]:
    if isinstance(exc, UnavailableError):
        return {"Retry-After": str(exc.retry_after_seconds)}
    if isinstance(exc, UnsupportedContentTypeError) and exc.accept_encoding:
        return {"Accept-Encoding": exc.accept_encoding}  # RFC 9110, 15.5.16
    if isinstance(exc, UnauthorizedError):
        return {"WWW-Authenticate": 'ApiKey realm="housing"'}  # RFC 9110: a 401 names its scheme
    return {}


def _json(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # half a surrogate pair
        return orjson.dumps(_encodable(body))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value


def refusal(
    errors: "Sequence[ErrorDetails]", place: str = "", *, counts_all: bool = True
) -> RequestError:
    """Convert pydantic's validation errors of a body.

    Args:
        errors: At least one.
        place: Put before each field's path.
        counts_all: Whether the search went on to the end.
    """
    if errors[0]["type"] == "json_invalid":
        return MalformedBodyError(errors[0]["msg"])
    shown = [_field_error(error, place) for error in errors[:SHOWN_ERRORS]]
    return InvalidFieldsError(shown, total=len(errors), counts_all=counts_all)


def _field_error(error: "ErrorDetails", place: str) -> Mapping[str, Any]:
    path = [place, *error["loc"]] if place else error["loc"]
    field = ".".join(str(part) for part in path) or _WHOLE_BODY
    named = {"field": field[:_SHOWN_CHARACTERS], "message": error["msg"]}
    row = next((part for part in path if isinstance(part, int)), None)
    number = {} if row is None else {"row": row + 1}
    return named | number | _shown(error["input"])


def _shown(value: object) -> dict[str, Any]:
    """Return ``{"value": …}`` for a scalar that JSON can hold, truncated if long."""
    if isinstance(value, str):
        return {"value": value[:_SHOWN_CHARACTERS]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"value": str(value)}
    if value is None or isinstance(value, bool | float):
        return {"value": value}
    if isinstance(value, int) and abs(value) <= 2**53:
        return {"value": value}
    return {}
