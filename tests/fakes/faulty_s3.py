"""moto's S3, or SNS, behind a network with faults: the next calls fail as a test wants."""

import io
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.response import StreamingBody

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient

Fault = Callable[[Callable[[], Any]], Any]
"""Given the real call; returns or raises in its place."""
_URL = "https://s3.us-east-1.amazonaws.com"


class FaultyS3:
    """Hands every call on, but those of a method for which faults are left."""

    def __init__(self, client: "S3Client | SNSClient") -> None:
        self._client = client
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.calls: list[str] = []

    def fail(self, method: str, *faults: Fault) -> None:
        """Have the next calls of a method fail in these ways, one each."""
        self._faults[method].extend(faults)

    def has_failed(self) -> bool:
        """Whether every fault was met."""
        return not any(self._faults.values())

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._client, method)

        def call(*args: Any, **given: Any) -> Any:
            self.calls.append(method)
            faults = self._faults[method]
            return (
                faults.popleft()(lambda: real(*args, **given)) if faults else real(*args, **given)
            )

        return call


def as_it_is(call: Callable[[], Any]) -> Any:
    """Break nothing."""
    return call()


def sent_twice(call: Callable[[], Any]) -> Any:
    """Lose the answer; boto3 sends the request again, and returns the second answer."""
    call()
    return call()


def lost(call: Callable[[], Any]) -> Any:
    """Lose the answer of every try."""
    call()
    raise ConnectionClosedError(endpoint_url=_URL)


def late(call: Callable[[], Any]) -> Any:
    """Answer after the client's time."""
    call()
    raise ReadTimeoutError(endpoint_url=_URL)


def unsent(_call: Callable[[], Any]) -> Any:
    """Reach nobody."""
    raise EndpointConnectionError(endpoint_url=_URL)


def refused(status: int, code: str) -> Fault:
    """Answer with an error, and do nothing."""

    def fault(_call: Callable[[], Any]) -> Any:
        answer: Any = {
            "Error": {"Code": code, "Message": "made up"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        raise ClientError(answer, "Any")

    return fault


def cut(share: float) -> Fault:
    """End the connection within the body, in a way that the client takes for its end."""
    return _with_body(lambda content: content[: int(len(content) * share)])


def tampered(call: Callable[[], Any]) -> Any:
    """Change one bit of the body."""
    return _with_body(lambda content: bytes([content[0] ^ 1]) + content[1:])(call)


def _with_body(change: Callable[[bytes], bytes]) -> Fault:
    def fault(call: Callable[[], Any]) -> Any:
        answer = call()
        content = change(answer["Body"].read())
        return answer | {"Body": unchecked_body(io.BytesIO(content))}

    return fault


def unchecked_body(stream: io.BytesIO) -> StreamingBody:
    """Return a body as a ``with`` statement has it: botocore does not compare its length."""
    of_any_length: Any = None
    return StreamingBody(stream, of_any_length)


CONFLICT = refused(409, "ConditionalRequestConflict")
PRECONDITION = refused(412, "PreconditionFailed")
BUSY = refused(503, "SlowDown")

PASSING: Mapping[str, Fault] = {
    "sent twice": sent_twice,
    "lost": lost,
    "late": late,
    "unsent": unsent,
    "409": CONFLICT,
    "412": PRECONDITION,
    "503": BUSY,
}
"""Faults of a write after which its writer must know who won."""
CAME_THROUGH = frozenset({"sent twice", "lost", "late"})
"""Of those, the ones whose write reached S3."""
