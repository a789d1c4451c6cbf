"""Proxy from the API's short URL on a laptop to API Gateway on the local endpoint.

On AWS the API has its own host name (or a custom domain); the local endpoint serves it under a long
path.
"""

import argparse
import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_stack.settings import LOOPBACK

_TIMEOUT_SECONDS = 35.0  # over API Gateway's own 29 s
MOST_AT_ONCE = 8
"""Requests at the endpoint, which starts a process for each: more of them starve one another."""
MOST_WAITING = 64
LEAST_COMPRESSED_BYTES = 1024
"""As ``MinimumCompressionSize`` of the template, which the endpoint does not have."""
MOST_UNPACKED_BYTES = 10 * 1024 * 1024
"""API Gateway unpacks what a client compressed with gzip, up to its largest body."""
_GZIP_WINDOW = 31  # zlib: with the header of gzip
_HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),  # RFC 9110
        *("content-encoding", "content-length", "date", "host", "server"),  # set by this proxy
    }
)
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


def create_app(target: str, transport: httpx.AsyncBaseTransport | None = None) -> Starlette:
    """Build the proxy.

    Args:
        target: URL of the API's stage, without a trailing slash.
        transport: Transport of the HTTP client, for tests.
    """
    client = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, transport=transport)
    turns = asyncio.Semaphore(MOST_AT_ONCE)
    in_hand = 0

    async def bounded(request: Request) -> Response:
        nonlocal in_hand
        if in_hand >= MOST_AT_ONCE + MOST_WAITING:
            return _busy()
        in_hand += 1
        try:
            async with turns:
                return await forward(request)
        finally:
            in_hand -= 1

    async def forward(request: Request) -> Response:
        encoding = request.headers.get("content-encoding", "identity").lower()
        try:
            headers = _passed(httpx.Headers(request.headers.raw))
            if encoding not in {"gzip", "identity"}:
                headers["content-encoding"] = encoding  # the function refuses it
            url = httpx.URL(target + request.url.path)
            url = url.copy_with(query=request.url.query.encode())
            answer = await client.request(
                request.method,
                url,
                content=_unpacked(await request.body(), encoding),
                headers=headers,
            )
        except httpx.HTTPError as exc:
            return _unreachable(type(exc).__name__)
        except (httpx.InvalidURL, UnicodeError):
            return _malformed("The path or a header has characters that HTTP does not allow there.")
        except zlib.error:
            return _malformed("The body is not gzip, its Content-Encoding, or is cut off.")
        return Response(answer.content, answer.status_code, dict(_passed(answer.headers)))

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    return Starlette(
        routes=[Route("/{path:path}", bounded, methods=_METHODS)],
        middleware=[Middleware(GZipMiddleware, minimum_size=LEAST_COMPRESSED_BYTES)],
        lifespan=lifespan,
    )


def _unpacked(body: bytes, encoding: str) -> bytes:
    """Unpack a body that is compressed with gzip, up to a byte more than API Gateway takes.

    Raises:
        zlib.error: It is not gzip, or is cut off.
    """
    if encoding != "gzip":
        return body
    unpacked = b""
    while body and len(unpacked) <= MOST_UNPACKED_BYTES:  # RFC 1952: one member after another
        member = zlib.decompressobj(_GZIP_WINDOW)
        unpacked += member.decompress(body, MOST_UNPACKED_BYTES + 1 - len(unpacked))
        if not member.eof and len(unpacked) <= MOST_UNPACKED_BYTES:
            raise zlib.error
        body = member.unused_data
    return unpacked


def _passed(headers: httpx.Headers) -> httpx.Headers:
    return httpx.Headers([(k, v) for k, v in headers.multi_items() if k not in _HOP_BY_HOP])


def _unreachable(error: str) -> Response:
    problem = {
        "type": "about:blank",
        "title": "Bad Gateway",
        "status": 502,
        "detail": f"The local AWS endpoint did not answer ({error}). Is it up? make status",
    }
    return JSONResponse(problem, 502, media_type="application/problem+json")


def _busy() -> Response:
    problem = {
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": 429,
        "detail": f"over {MOST_WAITING} requests wait on this laptop; ask again in a second",
    }
    headers = {"Retry-After": "1"}
    return JSONResponse(problem, 429, headers, media_type="application/problem+json")


def _malformed(detail: str) -> Response:
    problem = {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": detail,
    }
    return JSONResponse(problem, 400, media_type="application/problem+json")


def main() -> None:
    """Serve the proxy on a loopback port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--target", required=True)
    arguments = parser.parse_args()
    uvicorn.run(
        create_app(arguments.target), host=LOOPBACK, port=arguments.port, log_level="warning"
    )


if __name__ == "__main__":
    main()
