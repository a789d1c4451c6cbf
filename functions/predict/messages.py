"""A request and its answer, whoever carries them: API Gateway's event or an ASGI server."""

from collections.abc import Mapping
from typing import NamedTuple


class Call(NamedTuple):
    """A request, its body read whole. A named tuple: one is made for every prediction."""

    method: str
    path: str
    content_type: str
    body: bytes
    key: str | None = None
    request_id: str | None = None
    function_request_id: str | None = None


class Answer(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    media_type: str
    headers: Mapping[str, str]
