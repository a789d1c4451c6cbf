"""Conversion between API Gateway's proxy events (REST API) and requests and responses."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from predict.messages import Request, Response, without_trailing_slashes

Event = Mapping[str, Any]
_GREEDY = "{proxy+}"


def is_request(event: object) -> bool:
    """Return whether an event is a request, and not a test or a schedule that keeps warm."""
    if not isinstance(event, Mapping):
        return False
    context = event.get("requestContext")
    is_rest = "httpMethod" in event and "path" in event
    return isinstance(context, Mapping) and (is_rest or "http" in context)


def path_of(event: Event) -> str:
    """Return the path that routes match.

    The event's own has the base path of a custom domain before it; the resource and its parameter
    have not.
    """
    path: str = event.get("path") or ""
    resource: str = event.get("resource") or ""
    if resource.endswith(_GREEDY):
        proxied = (event.get("pathParameters") or {}).get("proxy") or ""
        resource = resource.removesuffix(_GREEDY) + proxied
    if resource not in {path, "/", ""} and path.endswith(resource):
        path = resource
    return without_trailing_slashes(path) if path.endswith("/") else path


def request_of(event: Event, path: str, function_request_id: str | None = None) -> Request:
    """Convert an event; a body that is not the Base64 that it claims to be is read as empty."""
    headers = event.get("headers") or {}
    body = event.get("body") or ""
    return Request(
        method=event["httpMethod"],
        path=path,
        content_type=_header(headers, "Content-Type") or "",
        body=_decoded(body) if event.get("isBase64Encoded") else _encoded(body),
        key=_header(headers, "x-api-key"),
        request_id=(event.get("requestContext") or {}).get("requestId"),
        function_request_id=function_request_id,
        content_encoding=_header(headers, "Content-Encoding") or "",
        accept=_header(headers, "Accept") or "",
    )


def event_of(response: Response, shared: Mapping[str, str]) -> dict[str, Any]:
    """Convert a response to API Gateway's form; all bodies are text.

    Args:
        response: The response.
        shared: Headers of all responses.
    """
    headers = {name.lower(): value for name, value in (*response.headers.items(), *shared.items())}
    return {
        "statusCode": response.status,
        "headers": {**headers, "content-type": response.media_type},
        "multiValueHeaders": {},
        "body": response.body.decode(),
        "isBase64Encoded": False,
    }


def _encoded(body: str) -> bytes:
    """Encode as UTF-8; halves of surrogate pairs are kept, and the parser rejects them."""
    return body.encode("utf-8", "surrogatepass")


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body)
    except binascii.Error:
        return b""


def _header(headers: Mapping[str, str], name: str) -> str | None:
    """Return a header, whose name may come in any case."""
    value = headers.get(name)
    if value is not None:
        return value
    lowered = name.lower()
    return next((value for key, value in headers.items() if key.lower() == lowered), None)
