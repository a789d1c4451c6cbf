"""Parts of the requests that change models or data: a reason, its author, and names once."""

from typing import Annotated

from fastapi import Request
from pydantic import StringConstraints

from predict.http.asgi import KEY_ID
from predict.scoring.request_body import refuse_repeated_names, sized

_UNKNOWN = -1  # so that the body is read for sure
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


async def names_once(request: Request) -> None:
    """Refuse a body that is too large, not JSON, or names a field twice."""
    refuse_repeated_names(sized(await request.body()), _UNKNOWN)


def who(request: Request) -> str:
    """Return the author of a request, as the ledger names it."""
    return f"api key {getattr(request.state, KEY_ID, 'unknown')}"
