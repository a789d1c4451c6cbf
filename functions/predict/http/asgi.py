"""ASGI middleware: the scoring service and the key check before FastAPI's routes."""

import asyncio
import uuid

from starlette import responses
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from predict.access.auth import Authenticator, required_scope
from predict.errors import PredictError
from predict.messages import Request, Response
from predict.problems import of_predict_error
from predict.scoring.request_body import MAX_BODY_BYTES
from predict.scoring.service import ScoringService

KEY_ID = "key_id"
"""Name under which a request's state holds the id of its key."""
_KEY_HEADER = b"x-api-key"


class ScoringMiddleware:
    """Answers the requests of the scoring service, and passes on all others."""

    def __init__(self, app: ASGIApp, scoring: ScoringService) -> None:
        self._app = app
        self._scoring = scoring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not self._scoring.takes(scope["method"], path_of(scope)):
            await self._app(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            return
        request = request_of(scope, body)
        if self._scoring.may_wait():  # for the registry: not on the event loop
            response, log = await run_in_threadpool(self._scoring.respond_unlogged, request)
        else:
            response, log = self._scoring.respond_unlogged(request)
        try:
            await _send(response, send)
            await asyncio.sleep(0)  # the server writes the response before the line is logged
        finally:
            log()


class KeyCheck:
    """Passes on the requests of FastAPI's routes whose key allows them; rejects the others."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request, and keep its key's id in its state."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        needed = required_scope(scope["method"], path_of(scope))
        if needed is not None:
            try:
                # In a thread: a key that is not known may make it wait for the keys' store.
                key_id = await run_in_threadpool(self._authenticator.require, key_of(scope), needed)
            except PredictError as exc:
                await starlette_response(of_predict_error(scope["path"], exc))(scope, receive, send)
                return
            scope.setdefault("state", {})[KEY_ID] = key_id
        await self._app(scope, receive, send)


def starlette_response(response: Response) -> responses.Response:
    """Return the response as a Starlette response."""
    return responses.Response(
        response.body, response.status, response.headers, media_type=response.media_type
    )


def request_of(scope: Scope, body: bytes) -> Request:
    """Convert an ASGI request."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return Request(
        method=scope["method"],
        path=path_of(scope),
        content_type=headers.get(b"content-type", b"").decode("latin-1"),
        body=body,
        key=_text(headers.get(_KEY_HEADER)),
        request_id=_text(headers.get(b"x-request-id")) or uuid.uuid4().hex,
        content_encoding=headers.get(b"content-encoding", b"").decode("latin-1"),
        accept=headers.get(b"accept", b"").decode("latin-1"),
    )


def path_of(scope: Scope) -> str:
    """Return the path that routes match, without the prefix of a proxy or a mount."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def key_of(scope: Scope) -> str | None:
    """Return a request's API key, or None."""
    return _text(dict(scope["headers"]).get(_KEY_HEADER))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


async def _body(receive: Receive) -> bytes | None:
    """Read a body up to just above the limit; return None if the client disconnects."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        if size <= MAX_BODY_BYTES:
            chunks.append(chunk)
            size += len(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _send(response: Response, send: Send) -> None:
    headers = [
        (b"content-type", response.media_type.encode()),
        (b"content-length", str(len(response.body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in response.headers.items()),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
