"""HTTP's manners on every route: HEAD, OPTIONS, trailing slashes, and one origin for browsers."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from predict.messages import cross_origin_headers, without_trailing_slashes

_METHODS = "GET, HEAD, OPTIONS, POST"
_PREFLIGHT_SECONDS = 600


class MethodMiddleware:
    """Answers HEAD as GET without its body, and OPTIONS; ignores slashes at the end of a path."""

    def __init__(self, app: ASGIApp, cors_origin: str | None) -> None:
        self._app = app
        self._shared = _encoded(cross_origin_headers(cors_origin))
        preflight = {
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": "Content-Type, X-Api-Key",
            "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
        }
        allowed = {"Allow": _METHODS} | (preflight if cors_origin else {})
        self._options = [*_encoded(allowed), *self._shared]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"]
        if method == "OPTIONS":
            await _send_no_content(send, self._options)
            return
        asked = {"path": without_trailing_slashes(scope["path"])}
        if method == "HEAD":
            asked["method"] = "GET"

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and self._shared:
                message = {**message, "headers": [*message.get("headers", []), *self._shared]}
            elif message["type"] == "http.response.body" and method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, **asked}, receive, sent)


async def _send_no_content(send: Send, headers: list[tuple[bytes, bytes]]) -> None:
    status = HTTPStatus.NO_CONTENT.value
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
