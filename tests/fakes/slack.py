"""A poster that remembers, and an incoming webhook on loopback that does."""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

from fakes.http_server import answering


class FakeSlack:
    """Keeps every message that was posted, or fails as it is told."""

    def __init__(self) -> None:
        self.posted: list[Mapping[str, Any]] = []
        self.seconds_left: list[float] = []
        self.fails_with: list[Exception] = []

    def post(self, message: Mapping[str, Any], seconds_left: Callable[[], float]) -> None:
        """See ``MessagePoster.post``."""
        if self.fails_with:
            raise self.fails_with.pop(0)
        self.posted.append(message)
        self.seconds_left.append(seconds_left())


class ScriptedSlack:
    """Answers as Slack's webhook does: one status after another, then ``200 ok``.

    Attributes:
        script: What the next requests get: a status, body and headers each.
        received: The bodies of all requests, and the paths they came to.
        ended: Set at the end of a test, so that a silent answer ends too.
    """

    def __init__(self, *script: tuple[int, str, dict[str, str]]) -> None:
        self.script = list(script)
        self.received: list[tuple[str, Any]] = []
        self.ended = threading.Event()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Take a message."""
        body = request.rfile.read(int(request.headers["Content-Length"]))
        self.received.append((request.path, json.loads(body)))
        status, text, headers = self.script.pop(0) if self.script else (200, "ok", {})
        answering(status, text.encode(), headers)(request)

    def silent(self, _: BaseHTTPRequestHandler) -> None:
        """Take a message and say nothing."""
        self.ended.wait(30)
