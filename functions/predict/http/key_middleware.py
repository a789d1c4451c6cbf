"""The key check of the routes that FastAPI serves; the lane makes its own."""

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from predict.access.auth import Authenticator, required_scope
from predict.errors import PredictError
from predict.http.asgi import key_of, path_of, response
from predict.problems import of_predict_error

KEY_ID = "key_id"
"""Name under which a request's state tells whose key it came with."""


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
