"""A client of an ASGI application that needs no socket."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send


class AsgiClient:
    """Sends requests to an application on a loop of the test's own."""

    def __init__(self, app: ASGIApp, loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._loop = loop

    def request(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Send one request; ``scope`` adds to the ASGI scope, as an adapter does."""
        return self._loop.run_until_complete(self._request(method, path, **content))

    def get(self, path: str) -> httpx.Response:
        """Send a GET."""
        return self.request("GET", path)

    def post_json(self, path: str, body: object) -> httpx.Response:
        """Send a POST with a body that is written as JSON."""
        return self.post(path, json.dumps(body))

    def post(
        self, path: str, body: str | bytes, content_type: str = "application/json"
    ) -> httpx.Response:
        """Send a POST with a body as it is."""
        return self.request("POST", path, content=body, headers={"Content-Type": content_type})

    async def _request(
        self, method: str, path: str, *, scope: Mapping[str, Any] | None = None, **content: Any
    ) -> httpx.Response:
        async def app(given: Scope, receive: Receive, send: Send) -> None:
            await self._app({**given, **(scope or {})}, receive, send)

        transport = httpx.ASGITransport(app if scope else self._app)
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.request(method, f"http://test{path}", **content)
