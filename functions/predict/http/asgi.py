"""The lane under an ASGI server: requests that predict are answered before FastAPI sees them."""

import asyncio
import uuid

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from predict.access.auth import Authenticator, required_scope
from predict.errors import PredictError
from predict.messages import Answer, Call
from predict.problems import of_predict_error
from predict.scoring.request_body import MAX_BODY_BYTES
from predict.scoring.service import ScoringService

KEY_ID = "key_id"
"""Name under which a request's state holds the id of its key."""
_KEY_HEADER = b"x-api-key"


class ScoringMiddleware:
    """Takes the requests of the lane, and hands all others on."""

    def __init__(self, app: ASGIApp, scoring: ScoringService) -> None:
        """Put the lane before an application."""
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
        call = call_of(scope, body)
        if self._scoring.may_wait():  # for the registry: not on the event loop
            answer, tell = await run_in_threadpool(self._scoring.decided, call)
        else:
            answer, tell = self._scoring.decided(call)
        try:
            await _send(answer, send)
            await asyncio.sleep(0)  # the server writes before the line is
        finally:
            tell()


class KeyCheck:
    """Hands on the requests whose key allows them, and answers the others."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        """Put the check before an application."""
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request; its key's id is in its state from then on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        needed = required_scope(scope["method"], path_of(scope))
        if needed is not None:
            try:
                # In a thread: a key that is not known may make it wait for the keys' store.
                key_id = await run_in_threadpool(self._authenticator.require, key_of(scope), needed)
            except PredictError as exc:
                await response(of_predict_error(scope["path"], exc))(scope, receive, send)
                return
            scope.setdefault("state", {})[KEY_ID] = key_id
        await self._app(scope, receive, send)


def response(answer: Answer) -> Response:
    """Return an answer as Starlette wants it."""
    return Response(answer.body, answer.status, answer.headers, media_type=answer.media_type)


def call_of(scope: Scope, body: bytes) -> Call:
    """Make a call of an ASGI request."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return Call(
        method=scope["method"],
        path=path_of(scope),
        content_type=headers.get(b"content-type", b"").decode("latin-1"),
        body=body,
        key=_text(headers.get(_KEY_HEADER)),
        request_id=_text(headers.get(b"x-request-id")) or uuid.uuid4().hex,
    )


def path_of(scope: Scope) -> str:
    """Return the path that routes match: without the prefix of a proxy or a mount."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def key_of(scope: Scope) -> str | None:
    """Return the key that a request came with."""
    return _text(dict(scope["headers"]).get(_KEY_HEADER))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


async def _body(receive: Receive) -> bytes | None:
    """Read a body, no more of it than is needed to see that it is too large; None if it breaks."""
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


async def _send(answer: Answer, send: Send) -> None:
    headers = [
        (b"content-type", answer.media_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in answer.headers.items()),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
