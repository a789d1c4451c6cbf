"""Reads the body of a request into features, or says field by field what is wrong with it."""

from email.message import Message
from functools import lru_cache

from predict.errors import TooLargeError, UnsupportedContentTypeError
from predict.exchange import Call
from predict.scoring import csv_rows
from predict.scoring import mlflow_protocol as scoring_protocol
from predict.scoring import validation as block_groups
from predict.scoring.validation import Matrix

JSON = "application/json"
CSV = "text/csv"
MAX_BODY_BYTES = 6 * 1024 * 1024
"""Lambda's own limit on what goes in and out of a call; a server in front of us may have none."""
MAX_ROW_BYTES = 64 * 1024
"""Of a body that holds one block group, eight numbers. What is wrong with a body is told field by
field, and of 5 MB of something else that took nine seconds of a processor."""

_UTF_8 = {None, "utf-8", "utf8", "us-ascii"}
_KEPT_CONTENT_TYPES = 64


def read_block_group(call: Call) -> dict[str, float]:
    """Return the eight features, in schema order.

    Raises:
        UnsupportedContentTypeError: The body is not declared to be JSON.
        MalformedBodyError: It is not JSON, or names a field twice.
        InvalidFieldsError: Fields are missing, unknown, of the wrong type or out of range.
        TooLargeError: It is over the limit.
    """
    _media_type(call, JSON)
    return block_groups.one_from_json(sized(call.body, MAX_ROW_BYTES))


def read_batch(call: Call, max_rows: int) -> tuple[Matrix, str]:
    """Return the features of many block groups, and the content type they came in.

    Raises:
        RequestError: As in ``read_block_group``, and for more rows than the limit.
    """
    media_type = _media_type(call, JSON, CSV)
    body = sized(call.body)
    if media_type == CSV:
        rows = csv_rows.read(body, max_rows, strict=True)
        return block_groups.from_rows(rows, place=csv_rows.PLACE), CSV
    return block_groups.from_json(body, max_rows), JSON


def read_invocation(call: Call, max_rows: int) -> Matrix:
    """Return the features that a client of MLflow's scoring server sends, in any of its forms.

    Raises:
        RequestError: The body is not one of the forms, or its values are not ours.
    """
    media_type = _media_type(call, JSON, CSV)
    body = sized(call.body)
    if media_type == CSV:
        return scoring_protocol.from_csv(body, max_rows)
    return scoring_protocol.from_json(body, max_rows)


def sized(body: bytes, most: int = MAX_BODY_BYTES) -> bytes:
    """Return the body.

    Raises:
        TooLargeError: It is over the limit.
    """
    if len(body) > most:
        msg = f"the body has {len(body)} bytes; at most {most} are taken"
        raise TooLargeError(msg)
    return body


def _media_type(call: Call, *known: str) -> str:
    found, charset = _parsed(call.content_type)
    if found not in known or charset not in _UTF_8:
        msg = f"the body's Content-Type has to be {' or '.join(known)}, in UTF-8"
        raise UnsupportedContentTypeError(msg)
    return found


@lru_cache(_KEPT_CONTENT_TYPES)
def _parsed(content_type: str) -> tuple[str, str | None]:
    message = Message()
    message["Content-Type"] = content_type
    return message.get_content_type(), message.get_content_charset()
