"""Shared parts of the requests that change models or data: reason, author, unique JSON names."""

from typing import Annotated

from fastapi import Request
from pydantic import StringConstraints

from predict.http.asgi import KEY_ID
from predict.scoring.request_body import refuse_repeated_names, sized

_UNKNOWN = -1  # no count of names matches: the body is always checked
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


async def names_once(request: Request) -> None:
    """Reject a body that is too large, not JSON, or repeats a name."""
    refuse_repeated_names(sized(await request.body()), _UNKNOWN)


def who(request: Request) -> str:
    """Return the author of a request for the ledger."""
    return f"api key {getattr(request.state, KEY_ID, 'unknown')}"
