"""Conversion between API Gateway's proxy events (REST API) and requests and responses."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from predict.messages import Request, Response

Event = Mapping[str, Any]


def request_of(event: Event, function_request_id: str | None = None) -> Request:
    """Convert an event; a body that is not the Base64 that it claims to be is read as empty."""
    headers = event.get("headers") or {}
    body = event.get("body") or ""
    return Request(
        method=event["httpMethod"],
        path=event["path"],
        content_type=_header(headers, "Content-Type") or "",
        body=_decoded(body) if event.get("isBase64Encoded") else _encoded(body),
        key=_header(headers, "x-api-key"),
        request_id=(event.get("requestContext") or {}).get("requestId"),
        function_request_id=function_request_id,
    )


def event_of(response: Response) -> dict[str, Any]:
    """Convert a response to API Gateway's form; all bodies are text."""
    headers = {name.lower(): value for name, value in response.headers.items()}
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
