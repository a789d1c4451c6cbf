import asyncio
import gzip
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from housing_ops.checkout import CHECKOUT
from housing_ops.template import load
from local_stack.services.api_proxy import (
    LEAST_COMPRESSED_BYTES,
    MOST_AT_ONCE,
    MOST_UNPACKED_BYTES,
    MOST_WAITING,
    create_app,
)

Backend = Callable[[httpx.Request], httpx.Response]
TARGET = "http://endpoint/restapis/abc/local/_user_request_"


async def ask(backend: Backend, method: str, path: str, **kwargs: Any) -> httpx.Response:
    app = create_app(TARGET, httpx.MockTransport(backend))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://door"
    ) as client:
        return await client.request(method, path, **kwargs)


@pytest.mark.anyio
async def test_a_request_reaches_the_stage_with_its_key_query_and_body() -> None:
    seen: list[httpx.Request] = []

    def backend(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"ok": True}, headers={"x-model-version": "7"})

    answer = await ask(
        backend, "POST", "/predict?a=1&b=%20", headers={"x-api-key": "k"}, content=b"{}"
    )

    assert str(seen[0].url) == f"{TARGET}/predict?a=1&b=%20"
    assert (seen[0].headers["x-api-key"], seen[0].content) == ("k", b"{}")
    assert (answer.status_code, answer.json()) == (201, {"ok": True})
    assert answer.headers["x-model-version"] == "7"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("encoding", "body", "received"),
    [
        ("gzip", gzip.compress(b"{}"), (None, b"{}")),
        ("identity", b"{}", (None, b"{}")),
        ("br", b"packed", ("br", b"packed")),
        ("gzip", gzip.compress(bytes(2 * MOST_UNPACKED_BYTES)), (None, MOST_UNPACKED_BYTES + 1)),
        ("gzip", gzip.compress(b"{") + gzip.compress(b"}"), (None, b"{}")),
        ("gzip", b"{}", 400),
        ("gzip", gzip.compress(b"{}")[:-1], 400),
    ],
)
async def test_a_compressed_body_is_unpacked_as_by_api_gateway(
    encoding: str, body: bytes, received: Any
) -> None:
    seen: list[Any] = []

    def backend(request: httpx.Request) -> httpx.Response:
        content = request.content
        seen.append((request.headers.get("content-encoding"), content))
        return httpx.Response(200)

    answer = await ask(
        backend, "POST", "/predict", headers={"content-encoding": encoding}, content=body
    )

    if received == 400:
        assert (answer.status_code, seen) == (400, [])
        assert "gzip" in answer.json()["detail"]
    elif isinstance(received[1], int):
        assert [(name, len(content)) for name, content in seen] == [received]
    else:
        assert seen == [received]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("size", "encoding"), [(LEAST_COMPRESSED_BYTES, "gzip"), (LEAST_COMPRESSED_BYTES - 1, None)]
)
async def test_large_answers_are_compressed_as_the_gateway_does(
    size: int, encoding: str | None
) -> None:
    api = load(CHECKOUT / "infra/template.yaml")["Resources"]["Api"]["Properties"]

    answer = await ask(lambda _: httpx.Response(200, text="x" * size), "GET", "/page/_/shell.js")

    assert api["MinimumCompressionSize"] == LEAST_COMPRESSED_BYTES
    assert answer.headers.get("content-encoding") == encoding
    assert answer.text == "x" * size


@pytest.mark.anyio
async def test_an_error_of_the_api_comes_back_as_it_is() -> None:
    answer = await ask(lambda _: httpx.Response(403, text="Forbidden"), "GET", "/predict")

    assert (answer.status_code, answer.text) == (403, "Forbidden")


@pytest.mark.anyio
async def test_an_endpoint_that_is_down_is_a_502_that_says_what_to_do() -> None:
    def backend(_: httpx.Request) -> httpx.Response:
        msg = "refused"
        raise httpx.ConnectError(msg)

    answer = await ask(backend, "GET", "/health")

    assert answer.status_code == 502
    assert "make status" in answer.json()["detail"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "headers"),
    [("/predict%00", {}), ("/predict", {"x-api-key": "\u043a\u043b\u044e\u0447".encode()})],
)
async def test_characters_that_http_does_not_allow_are_no_failure_of_the_proxy(
    path: str, headers: dict[str, Any]
) -> None:
    answer = await ask(lambda _: httpx.Response(200), "GET", path, headers=headers)

    assert answer.status_code in {200, 400}
    assert answer.status_code == 200 or answer.json()["title"] == "Bad Request"


@pytest.mark.anyio
async def test_of_many_requests_some_are_served_in_turn_and_the_others_get_429() -> None:
    at_once = most = 0

    async def slow(_request: httpx.Request) -> httpx.Response:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        for _ in range(100):
            await asyncio.sleep(0)
        at_once -= 1
        return httpx.Response(200)

    app = create_app(TARGET, httpx.MockTransport(slow))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        crowd = await asyncio.gather(*(client.get("/health") for _ in range(200)))
        after = await client.get("/health")

    busy = [answer for answer in crowd if answer.status_code == 429]
    assert most == MOST_AT_ONCE
    assert len(crowd) - len(busy) == MOST_AT_ONCE + MOST_WAITING
    assert {answer.headers["retry-after"] for answer in busy} == {"1"}
    assert after.status_code == 200
