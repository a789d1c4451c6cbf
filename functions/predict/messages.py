"""Transport-independent request and response: of an API Gateway event or an ASGI server."""

from collections.abc import Mapping
from typing import NamedTuple


class Request(NamedTuple):
    """A request with its whole body; a named tuple, as one is made for every prediction."""

    method: str
    path: str
    content_type: str
    body: bytes
    key: str | None = None
    request_id: str | None = None
    function_request_id: str | None = None


class Response(NamedTuple):
    """The response to one request."""

    status: int
    body: bytes
    media_type: str
    headers: Mapping[str, str]
