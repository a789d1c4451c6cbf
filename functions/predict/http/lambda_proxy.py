"""The lane under API Gateway: a REST API's proxy event in, its response out."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from predict.messages import Answer, Call

Event = Mapping[str, Any]


def call_of(event: Event, function_request_id: str | None = None) -> Call:
    """Make a call of an event; a body that is not the Base64 it claims to be is read as empty."""
    headers = event.get("headers") or {}
    body = event.get("body") or ""
    return Call(
        method=event["httpMethod"],
        path=event["path"],
        content_type=_header(headers, "Content-Type") or "",
        body=_decoded(body) if event.get("isBase64Encoded") else _encoded(body),
        key=_header(headers, "x-api-key"),
        request_id=(event.get("requestContext") or {}).get("requestId"),
        function_request_id=function_request_id,
    )


def response_of(answer: Answer) -> dict[str, Any]:
    """Return an answer as API Gateway wants it; all bodies are text."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return {
        "statusCode": answer.status,
        "headers": {**headers, "content-type": answer.media_type},
        "multiValueHeaders": {},
        "body": answer.body.decode(),
        "isBase64Encoded": False,
    }


def _encoded(body: str) -> bytes:
    """Return UTF-8; halves of surrogate pairs stay what they are, for the parser to refuse."""
    return body.encode("utf-8", "surrogatepass")


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body)
    except binascii.Error:
        return b""


def _header(headers: Mapping[str, str], name: str) -> str | None:
    """Find a header; its name comes as the client wrote it."""
    found = headers.get(name)
    if found is not None:
        return found
    lowered = name.lower()
    return next((value for key, value in headers.items() if key.lower() == lowered), None)
