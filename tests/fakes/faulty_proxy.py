"""A proxy before real endpoints that breaks the exchanges that a test chooses, and counts them."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from select import select
from socket import MSG_PEEK
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import urllib3

S3, SNS, REGISTRY = "s3", "sns", "registry"
_FORWARD_SECONDS = 30.0
_GIVES_UP_WITHIN_SECONDS = 30.0
_CONDITIONS = ("If-Match", "If-None-Match")
_OF_ONE_CONNECTION = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "transfer-encoding"}
)


@dataclass(frozen=True, slots=True)
class Call:
    """A request, and its number since the proxy last began to count.

    It is conditional if it writes on a condition.
    """

    number: int
    service: str
    method: str
    path: str
    is_conditional: bool
    body: bytes = field(repr=False)

    def __str__(self) -> str:
        """Return it in a line."""
        condition = " on a condition" if self.is_conditional else ""
        return f"call {self.number}, {self.service} {self.method} {self.path}{condition}"


class Upstream(NamedTuple):
    """A real endpoint's answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Exchange:
    """A request, the real endpoint's answer once that is asked for, and the way back."""

    def __init__(
        self,
        request: BaseHTTPRequestHandler,
        call: Call,
        forward: Callable[[BaseHTTPRequestHandler, Call], Upstream],
    ) -> None:
        self.call = call
        self._request = request
        self._forward = forward

    @cached_property
    def upstream(self) -> Upstream:
        """The real endpoint's answer; it is asked by the first use."""
        return self._forward(self._request, self.call)

    def send(self, answer: Upstream, content: bytes | None = None) -> None:
        """Send an answer; with other content under the headers of the whole one."""
        body = b"" if self.call.method == "HEAD" else answer.body if content is None else content
        length = {"Content-Length": str(len(answer.body))}
        kept = {name.title(): text for name, text in answer.headers.items()}
        if self.call.method == "HEAD":
            length["Content-Length"] = kept.get("Content-Length", "0")
        self.send_bytes(head(answer.status, {**_passed_on(kept), **length}) + body)

    def send_bytes(self, content: bytes) -> None:
        """Send bytes as they are."""
        self._request.wfile.write(content)

    def hang_up(self) -> None:
        """Close the connection."""
        self._request.close_connection = True

    def is_given_up(self) -> bool:
        """Wait until the client closes the connection, and return whether it did."""
        client = self._request.connection
        readable, _, _ = select([client], [], [], _GIVES_UP_WITHIN_SECONDS)
        return bool(readable) and not client.recv(1, MSG_PEEK)


Fault = Callable[[Exchange], bool]
"""Answer an exchange in a way of its own and return True, or leave it alone and return False."""


class FaultyProxy:
    """Passes requests on, and answers as the fault does that a test chooses for a call.

    Attributes:
        aws: Where AWS's requests go.
        registry: Where all others go.
        choose: Returns the fault of a call, or None.
        calls: Every call.
        injected: The calls that a fault answered.
        with_content: The numbers of the calls whose answers can be cut.
        taken: The calls that the real endpoint answered with success.
    """

    def __init__(self, *, aws: str = "", registry: str = "") -> None:
        """Pass AWS's requests on to one URL and all others to another."""
        self.aws = aws
        self.registry = registry
        self._pool = urllib3.PoolManager(retries=False, timeout=_FORWARD_SECONDS, maxsize=16)
        self._counting = threading.Condition()
        self._answering = 0
        self.restart()

    def restart(self, choose: Callable[[Call], Fault | None] = lambda _: None) -> None:
        """Count from one, and choose faults this way."""
        with self._counting:
            self.choose = choose
            self.calls: list[Call] = []
            self.injected: list[Call] = []
            self.with_content: set[int] = set()
            self.taken: list[Call] = []

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        try:
            body = _body(request)
        except OSError:  # the client is gone: an endpoint does not act on half a request
            request.close_connection = True
            return
        with self._counting:
            call = _call(len(self.calls) + 1, request, body)
            self.calls.append(call)
            fault = self.choose(call)
            self._answering += 1
        exchange = Exchange(request, call, self._forward)
        try:
            if fault and fault(exchange):
                self.injected.append(call)
            else:
                exchange.send(exchange.upstream)
        except OSError:  # the client has had enough
            exchange.hang_up()
        finally:
            with self._counting:
                self._answering -= 1
                self._counting.notify_all()

    def await_calls(self, count: int, *, seconds: float) -> None:
        """Wait until so many calls came and all are answered, but no longer than this."""
        with self._counting:
            self._counting.wait_for(
                lambda: len(self.calls) >= count and not self._answering, seconds
            )

    def await_answers(self) -> None:
        """Wait until every call is answered."""
        with self._counting:
            assert self._counting.wait_for(lambda: not self._answering, _FORWARD_SECONDS)

    def taken_by(self, service: str) -> list[Call]:
        """Return the calls that a service answered with success."""
        return [call for call in self.taken if call.service == service]

    def _forward(self, request: BaseHTTPRequestHandler, call: Call) -> Upstream:
        answer = self._pool.request(
            call.method,
            (self.registry if call.service == REGISTRY else self.aws) + request.path,
            body=call.body,
            headers=_passed_on(dict(request.headers.items())),
            redirect=False,
            decode_content=False,
        )
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            self.taken.append(call)
        if answer.data:
            self.with_content.add(call.number)
        return Upstream(answer.status, dict(answer.headers.items()), answer.data)


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Return the head of an answer."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {text}" for name, text in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _call(number: int, request: BaseHTTPRequestHandler, body: bytes) -> Call:
    # AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, …
    scope = request.headers.get("Authorization", "").partition("Credential=")[2].split("/")
    service = scope[3] if len(scope) > 3 else REGISTRY
    is_conditional = request.command == "PUT" and any(
        name in request.headers for name in _CONDITIONS
    )
    path = unquote(request.path if service == REGISTRY else urlsplit(request.path).path)
    return Call(number, service, request.command, path, is_conditional, body)


def _body(request: BaseHTTPRequestHandler) -> bytes:
    """Return the body of a request; raise ``ConnectionError`` if its end does not come."""
    if request.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return _read(request, int(request.headers.get("Content-Length", 0)))
    pieces = []
    while size := int(request.rfile.readline().partition(b";")[0] or b"0", 16):
        pieces.append(_read(request, size))
        request.rfile.readline()
    while request.rfile.readline().strip():  # trailers
        pass
    return b"".join(pieces)


def _read(request: BaseHTTPRequestHandler, size: int) -> bytes:
    content = request.rfile.read(size)
    if len(content) < size:
        raise ConnectionError
    return content


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in headers.items() if name.lower() not in _OF_ONE_CONNECTION}
