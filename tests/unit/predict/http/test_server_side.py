"""A client that hangs up, and an application that fails once its answer has begun."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from fakes.model_changes import no_changes
from fakes.model_store import FakeModelStore
from predict.access.auth import OpenAccess
from predict.http.app import create_app
from predict.http.problem_handlers import UnexpectedErrors
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry

SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/predict",
    "headers": [],
    "query_string": b"",
}


async def hung_up() -> Message:
    """Tell of a client that is gone."""
    return {"type": "http.disconnect"}


def test_a_client_that_hangs_up_before_its_body_is_whole_is_not_answered(
    settings: PredictSettings,
    models: FakeModelStore,
    telemetry: Telemetry,
    loop: asyncio.AbstractEventLoop,
) -> None:
    app = create_app(settings, models, telemetry, OpenAccess(), no_changes)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    loop.run_until_complete(app(SCOPE, hung_up, send))

    assert sent == []


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_what_fails_after_the_answer_began_is_handed_to_the_server(
    kind: str, loop: asyncio.AbstractEventLoop
) -> None:
    async def failing(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
        msg = "half an answer"
        raise ValueError(msg)

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(ValueError, match="half an answer"):
        loop.run_until_complete(UnexpectedErrors(failing)({**SCOPE, "type": kind}, hung_up, send))
    assert [message["type"] for message in sent] == ["http.response.start"] * (kind == "http")
