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
    content_encoding: str = ""
    accept: str = ""


class Response(NamedTuple):
    """The response to one request."""

    status: int
    body: bytes
    media_type: str
    headers: Mapping[str, str]


def without_trailing_slashes(path: str) -> str:
    """Return the path as routes name it; a redirect would lose the stage of API Gateway."""
    return path.rstrip("/") or "/" if path.endswith("/") else path


def cross_origin_headers(origin: str | None) -> Mapping[str, str]:
    """Return the headers that let pages of an origin read a response; none without an origin.

    https://fetch.spec.whatwg.org/#http-cors-protocol
    """
    if origin is None:
        return {}
    exposed = "Retry-After, X-Model-Stale, X-Model-Version"
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": exposed,
        "Vary": "Origin",
    }
