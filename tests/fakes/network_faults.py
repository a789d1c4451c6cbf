"""The ways in which an exchange with S3, SNS or a registry breaks."""

import json
import time
from collections.abc import Mapping

from fakes.faulty_proxy import REGISTRY, SNS, Exchange, Fault, Upstream, head

_STEP_SECONDS = 0.1
_STEPS = 300
_LATE_SECONDS = 4.0
"""Twice the budget of a request that is answered while the registry is in trouble."""


def lost(exchange: Exchange) -> bool:
    """Have the endpoint do it, and lose the answer."""
    _ = exchange.upstream
    exchange.hang_up()
    return True


def late(exchange: Exchange) -> bool:
    """Have the endpoint do it, and answer when the client waits no longer."""
    _ = exchange.upstream
    exchange.hang_up()
    return exchange.is_given_up()


def cut(exchange: Exchange) -> bool:
    """End an answer half-way; its length promises the whole."""
    body = exchange.upstream.body
    if not body:
        return False
    exchange.send(exchange.upstream, body[: len(body) // 2])
    exchange.hang_up()
    return True


def cut_chunked(exchange: Exchange) -> bool:
    """End an answer of pieces half-way, without the last piece, which says that it was whole."""
    status, headers, body = exchange.upstream
    if not body:
        return False
    half = body[: len(body) // 2]
    kept = {name: text for name, text in headers.items() if name.lower() != "content-length"}
    start = head(status, {**kept, "Transfer-Encoding": "chunked"})
    exchange.send_bytes(start + f"{len(half):x}\r\n".encode() + half + b"\r\n")
    exchange.hang_up()
    return True


def conflict(exchange: Exchange) -> bool:
    """Refuse with 409, as S3 does where another writes the key in the same moment."""
    exchange.send(_refusal(exchange, 409, "ConditionalRequestConflict"))
    return True


def precondition_failed(exchange: Exchange) -> bool:
    """Refuse with 412, though the condition holds."""
    exchange.send(_refusal(exchange, 412, "PreconditionFailed"))
    return True


def slow_down(exchange: Exchange) -> bool:
    """Refuse with 503."""
    exchange.send(_refusal(exchange, 503, "SlowDown"))
    return True


ONCE: Mapping[str, Fault] = {
    "lost": lost,
    "late": late,
    "cut": cut,
    "cut chunked": cut_chunked,
    "409": conflict,
    "412": precondition_failed,
    "503": slow_down,
}
"""What may happen to any one call."""


def _answers_late(exchange: Exchange) -> bool:
    time.sleep(_LATE_SECONDS)
    exchange.send(exchange.upstream)
    return True


def _failing(exchange: Exchange) -> bool:
    exchange.send(_refusal(exchange, 500, "INTERNAL_ERROR"))
    return True


def _garbage(exchange: Exchange) -> bool:
    exchange.send(Upstream(200, {}, b"\xff<html>not what you wanted"))
    return True


def _no_http(exchange: Exchange) -> bool:
    exchange.send_bytes(b"\x00\x01\x02 no HTTP at all\r\n\r\n")
    exchange.hang_up()
    return True


def _dripping(exchange: Exchange) -> bool:
    body = exchange.upstream.body
    exchange.send(exchange.upstream, b"")
    for index in range(min(_STEPS, len(body))):
        exchange.send_bytes(body[index : index + 1])
        time.sleep(_STEP_SECONDS)
    exchange.hang_up()
    return True


def _truncated_file(exchange: Exchange) -> bool:
    return _with_file(exchange, exchange.upstream.body[:-10])


def _tampered_file(exchange: Exchange) -> bool:
    body = bytearray(exchange.upstream.body)
    body[len(body) // 2] ^= 1
    return _with_file(exchange, bytes(body))


def _missing_file(exchange: Exchange) -> bool:
    if not _is_file(exchange):
        return False
    exchange.send(Upstream(404, {}, b"{}"))
    return True


LASTING: Mapping[str, Fault] = {
    "late": _answers_late,
    "failing": _failing,
    "garbage": _garbage,
    "no HTTP": _no_http,
    "reset": cut,
    "dripping": _dripping,
    "truncated file": _truncated_file,
    "tampered file": _tampered_file,
    "missing file": _missing_file,
}
"""What a registry in trouble does to every call for a while."""


def _is_file(exchange: Exchange) -> bool:
    return "/artifacts/" in exchange.call.path


def _with_file(exchange: Exchange, content: bytes) -> bool:
    if not _is_file(exchange):
        return False
    exchange.send(exchange.upstream._replace(body=content))
    return True


def _refusal(exchange: Exchange, status: int, code: str) -> Upstream:
    """Return an error in the words of the service that is asked."""
    if exchange.call.service == REGISTRY:
        body = json.dumps({"error_code": code, "message": "try again"}).encode()
        return Upstream(status, {"Content-Type": "application/json"}, body)
    error = f"<Error><Code>{code}</Code><Message>try again</Message></Error>"
    if exchange.call.service == SNS:
        error = f"<ErrorResponse>{error}</ErrorResponse>"
    return Upstream(status, {"Content-Type": "application/xml"}, error.encode())
