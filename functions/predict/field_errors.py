"""From what pydantic finds wrong to what a client is told of it."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from predict.errors import SHOWN_ERRORS, InvalidFieldsError, MalformedBodyError, RequestError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_SHOWN_CHARACTERS = 100
_WHOLE_BODY = "body"


def refusal(
    errors: "Sequence[ErrorDetails]", place: str = "", *, counts_all: bool = True
) -> RequestError:
    """Make the error of a body that pydantic refused.

    Args:
        errors: What pydantic found, at least one.
        place: Put before each field's path.
        counts_all: Whether they are all there are.
    """
    if errors[0]["type"] == "json_invalid":
        return MalformedBodyError(errors[0]["msg"])
    shown = [_field_error(error, place) for error in errors[:SHOWN_ERRORS]]
    return InvalidFieldsError(shown, total=len(errors), counts_all=counts_all)


def _field_error(error: "ErrorDetails", place: str) -> Mapping[str, Any]:
    path = [place, *error["loc"]] if place else error["loc"]
    field = ".".join(str(part) for part in path) or _WHOLE_BODY
    found = {"field": field[:_SHOWN_CHARACTERS], "message": error["msg"]}
    row = next((part for part in path if isinstance(part, int)), None)
    number = {} if row is None else {"row": row + 1}
    return found | number | _shown(error["input"])


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
