"""Under a server of ASGI the answer goes first, and its line is written in any case."""

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from fakes.model_store import FakeModelStore
from fakes.written_lines import WrittenLines
from predict.access.auth import OpenAccess
from predict.http.asgi import ScoringMiddleware
from predict.scoring.service import ScoringService
from predict.telemetry.telemetry import Telemetry

SCOPE: Scope = {
    "type": "http",
    "method": "POST",
    "path": "/predict",
    "headers": [(b"content-type", b"application/json")],
}


class Exchange:
    """One request through the middleware."""

    def __init__(self, models: FakeModelStore, lines: WrittenLines, body: bytes) -> None:
        self._lines = lines
        self._body = body
        lane = ScoringService(models, Telemetry(lines), OpenAccess(), max_rows=10)
        self._middleware = ScoringMiddleware(_nothing_else, lane)
        self.lines_when_sent: list[int] = []
        self.statuses: list[int] = []

    def run(self, *, breaks: bool = False) -> None:
        """Send the request; if it breaks, the client has gone when the answer comes."""

        async def receive() -> Message:
            return {"type": "http.request", "body": self._body}

        async def send(message: Message) -> None:
            if breaks:
                msg = "gone"
                raise ConnectionError(msg)
            self.lines_when_sent.append(len(self._lines.all))
            self.statuses += [message["status"]] if "status" in message else []

        asyncio.run(self._middleware(SCOPE, receive, send))


async def _nothing_else(_scope: Scope, _receive: Receive, _send: Send) -> None:
    pytest.fail("the request is one of the lane's")


@pytest.mark.parametrize(("is_good", "status"), [(True, 200), (False, 400)])
def test_the_answer_goes_before_its_line_is_written(
    models: FakeModelStore,
    lines: WrittenLines,
    block_group: dict[str, float],
    *,
    is_good: bool,
    status: int,
) -> None:
    exchange = Exchange(models, lines, json.dumps(block_group).encode() if is_good else b"{")

    exchange.run()

    assert exchange.statuses == [status]
    assert exchange.lines_when_sent == [0, 0]
    assert len(lines.all) == 1


def test_a_client_that_has_gone_is_counted_too(
    models: FakeModelStore, lines: WrittenLines, block_group: dict[str, Any]
) -> None:
    exchange = Exchange(models, lines, json.dumps(block_group).encode())

    with pytest.raises(ConnectionError):
        exchange.run(breaks=True)

    assert len(lines.all) == 1
