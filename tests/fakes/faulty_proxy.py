"""A proxy before a real registry that breaks answers in one way at a time."""

import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

import urllib3

Send = Callable[[BaseHTTPRequestHandler, "Upstream"], None]
_STEP_SECONDS = 0.1
_STEPS = 300


class Upstream(NamedTuple):
    """What the real registry answered."""

    status: int
    body: bytes
    is_file: bool


class FaultyProxy:
    """Passes requests on to a registry and answers back as ``fault`` says."""

    def __init__(self, target: str) -> None:
        """Pass on to this URL."""
        self.fault: Send = as_it_is
        self._target = target
        self._pool = urllib3.PoolManager(retries=False, timeout=30, maxsize=8)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        found = self._pool.request("GET", self._target + request.path)
        upstream = Upstream(found.status, found.data, "/artifacts/" in request.path)
        try:
            self.fault(request, upstream)
        except OSError:  # the client has had enough
            request.close_connection = True


def as_it_is(request: BaseHTTPRequestHandler, found: Upstream) -> None:
    """Break nothing."""
    _head(request, found.status, len(found.body))
    request.wfile.write(found.body)


def _late(request: BaseHTTPRequestHandler, found: Upstream) -> None:
    time.sleep(4)  # twice a request's budget
    as_it_is(request, found)


def _failing(request: BaseHTTPRequestHandler, _found: Upstream) -> None:
    as_it_is(request, Upstream(500, b'{"error_code": "INTERNAL_ERROR"}', is_file=False))


def _garbage(request: BaseHTTPRequestHandler, _found: Upstream) -> None:
    as_it_is(request, Upstream(200, b"\xff<html>not what you wanted", is_file=False))


def _no_http(request: BaseHTTPRequestHandler, _found: Upstream) -> None:
    request.wfile.write(b"\x00\x01\x02 no HTTP at all\r\n\r\n")


def _reset(request: BaseHTTPRequestHandler, found: Upstream) -> None:
    _head(request, found.status, len(found.body))
    request.wfile.write(found.body[: len(found.body) // 2])
    request.close_connection = True


def _dripping(request: BaseHTTPRequestHandler, found: Upstream) -> None:
    _head(request, found.status, len(found.body))
    for index in range(min(_STEPS, len(found.body))):
        request.wfile.write(found.body[index : index + 1])
        time.sleep(_STEP_SECONDS)


def _truncated_file(request: BaseHTTPRequestHandler, found: Upstream) -> None:
    as_it_is(request, found._replace(body=found.body[:-10]) if found.is_file else found)


def _tampered_file(request: BaseHTTPRequestHandler, found: Upstream) -> None:
    body = found.body
    middle = len(body) // 2
    changed = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
    as_it_is(request, found._replace(body=changed) if found.is_file else found)


def _missing_file(request: BaseHTTPRequestHandler, found: Upstream) -> None:
    as_it_is(request, Upstream(404, b"{}", is_file=True) if found.is_file else found)


FAULTS: Mapping[str, Send] = {
    "late": _late,
    "failing": _failing,
    "garbage": _garbage,
    "no HTTP": _no_http,
    "reset": _reset,
    "dripping": _dripping,
    "truncated file": _truncated_file,
    "tampered file": _tampered_file,
    "missing file": _missing_file,
}


def _head(request: BaseHTTPRequestHandler, status: int, length: int) -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(length))
    request.end_headers()
