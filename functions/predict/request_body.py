"""Reads the body of a request into features, or says field by field what is wrong with it."""

import math
from collections.abc import Mapping
from email.message import Message
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.requests import Request

from predict.errors import InvalidFieldsError, MalformedBodyError, UnsupportedContentTypeError
from predict.schemas import BlockGroup

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_JSON = "application/json"
_SHOWN_CHARACTERS = 100
_WHOLE_BODY = "body"


async def read_block_group(request: Request) -> dict[str, float]:
    """Return the eight features, in schema order.

    Raises:
        UnsupportedContentTypeError: The body is not declared to be JSON.
        MalformedBodyError: It is not JSON.
        InvalidFieldsError: Fields are missing, unknown, of the wrong type or out of range.
    """
    if _media_type(request) != _JSON:
        msg = f"the body must be JSON: send it with Content-Type: {_JSON}"
        raise UnsupportedContentTypeError(msg)
    try:
        # pydantic parses the bytes itself: NaN, infinities and endless nesting end as errors here.
        return BlockGroup.model_validate_json(await request.body()).model_dump()
    except ValidationError as exc:
        errors = exc.errors(include_url=False, include_context=False)
        if errors[0]["type"] == "json_invalid":
            raise MalformedBodyError(errors[0]["msg"]) from exc
        raise InvalidFieldsError([_field_error(error) for error in errors]) from exc


def _media_type(request: Request) -> str:
    message = Message()
    message["Content-Type"] = request.headers.get("content-type", "")
    return message.get_content_type()


def _field_error(error: "ErrorDetails") -> Mapping[str, Any]:
    field = ".".join(str(part) for part in error["loc"]) or _WHOLE_BODY
    found = {"field": field[:_SHOWN_CHARACTERS], "message": error["msg"]}
    return found | _shown(error["input"])


def _shown(value: object) -> dict[str, Any]:
    """Return ``{"value": …}`` for a scalar that JSON can hold, cut where it is long."""
    if isinstance(value, str):
        return {"value": value[:_SHOWN_CHARACTERS]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"value": str(value)}
    if value is None or isinstance(value, bool | float):
        return {"value": value}
    if isinstance(value, int) and abs(value) <= 2**53:
        return {"value": value}
    return {}
