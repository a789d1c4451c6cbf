"""Reads the body of a request into features, or says field by field what is wrong with it."""

from email.message import Message

from pydantic import ValidationError
from starlette.requests import Request

from predict import block_groups, csv_rows, scoring_protocol
from predict.block_groups import Matrix
from predict.errors import TooLargeError, UnsupportedContentTypeError
from predict.field_errors import refusal
from predict.schemas import BlockGroup

JSON = "application/json"
CSV = "text/csv"
MAX_BODY_BYTES = 6 * 1024 * 1024
"""Lambda's own limit on what goes in and out of a call; a server in front of us may have none."""

_UTF_8 = {None, "utf-8", "utf8", "us-ascii"}


async def read_block_group(request: Request) -> dict[str, float]:
    """Return the eight features, in schema order.

    Raises:
        UnsupportedContentTypeError: The body is not declared to be JSON.
        MalformedBodyError: It is not JSON.
        InvalidFieldsError: Fields are missing, unknown, of the wrong type or out of range.
        TooLargeError: It is over the limit.
    """
    _media_type(request, JSON)
    try:
        # pydantic parses the bytes itself: NaN, infinities and endless nesting end as errors here.
        return BlockGroup.model_validate_json(await _body(request)).model_dump()
    except ValidationError as exc:
        raise refusal(exc.errors(include_url=False, include_context=False)) from exc


async def read_batch(request: Request, max_rows: int) -> tuple[Matrix, str]:
    """Return the features of many block groups, and the content type they came in.

    Raises:
        RequestError: As in ``read_block_group``, and for more rows than the limit.
    """
    media_type = _media_type(request, JSON, CSV)
    body = await _body(request)
    if media_type == CSV:
        rows = csv_rows.read(body, max_rows, strict=True)
        return block_groups.from_rows(rows, max_rows, place=csv_rows.PLACE), CSV
    return block_groups.from_json(body, max_rows), JSON


async def read_invocation(request: Request, max_rows: int) -> Matrix:
    """Return the features that a client of MLflow's scoring server sends, in any of its forms.

    Raises:
        RequestError: The body is not one of the forms, or its values are not ours.
    """
    media_type = _media_type(request, JSON, CSV)
    body = await _body(request)
    if media_type == CSV:
        return scoring_protocol.from_csv(body, max_rows)
    return scoring_protocol.from_json(body, max_rows)


async def _body(request: Request) -> bytes:
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        msg = f"the body has {len(body)} bytes; at most {MAX_BODY_BYTES} are taken"
        raise TooLargeError(msg)
    return body


def _media_type(request: Request, *known: str) -> str:
    message = Message()
    message["Content-Type"] = request.headers.get("content-type", "")
    found = message.get_content_type()
    if found not in known or message.get_content_charset() not in _UTF_8:
        msg = f"the body's Content-Type has to be {' or '.join(known)}, in UTF-8"
        raise UnsupportedContentTypeError(msg)
    return found
