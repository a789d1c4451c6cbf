"""Checks of a request body before its values: content type, size, and the names in its JSON.

Parsers keep the last of two fields with one name, and make a string of each of a million names. So
names are counted first: outside of strings, each name of an object has one colon.
"""

import json
import re
from collections import Counter
from email.message import Message
from functools import cache, lru_cache
from typing import Any

import msgspec
import numpy as np

from housing.schema import FEATURES, SUBJECT
from predict.errors import (
    InvalidFieldsError,
    MalformedBodyError,
    TooLargeError,
    UnsupportedContentTypeError,
)
from predict.messages import Request

JSON = "application/json"
CSV = "text/csv"
JSON_LINES = "application/jsonlines"
MAX_BODY_BYTES = 6 * 1024 * 1024
"""Lambda's limit on the payload of a request and of a response; other servers may have none."""
MAX_ROW_BYTES = 64 * 1024
"""Limit on the body of one row: numbers and short texts. Its errors are listed field by field:
that took nine seconds of processor time for a bad body of 5 MB."""
MOST_NAMES = 1_000
"""Limit on the names of a row or a table where unknown names are ignored."""

_UNPACKED = {"", "identity"}
_BYTE_ORDER_MARK = "\ufeff".encode()
_GZIP = (b"\x1f\x8b", "\x1f\ufffd".encode())
"""How gzip starts, and how it does where a gateway took the body for text."""
_MARKED_BYTES = 12
_UTF_8 = {None, "utf-8", "utf8", "us-ascii"}
_KEPT_CONTENT_TYPES = 64
_SHOWN_CHARACTERS = 100
_COLON = ord(":")
_LARGE_BYTES = 4_096
_PARSED_NAMES = 100_000
"""Fewer, as the largest batch has, are parsed within 30 ms."""
_SPLIT = "dataframe_split"
_FORMS = ("instances", "inputs", "dataframe_records", _SPLIT)
_BRACKET = ord("[")
_NOT_ACCEPTED = re.compile(r"q\s*=\s*0(\.0{0,3})?")
"""The weight of a media type that is not accepted: RFC 9110, 12.4.2."""
_UNREAD = msgspec.Raw(b"")


def media_type(request: Request, *accepted: str) -> str:
    """Return the media type of a body.

    Raises:
        UnsupportedContentTypeError: It is not an accepted one, or not UTF-8.
    """
    if request.content_encoding.lower() not in _UNPACKED:
        sent = request.content_encoding[:_SHOWN_CHARACTERS]
        msg = f"the body is compressed with {sent}: send it uncompressed, without Content-Encoding"
        raise UnsupportedContentTypeError(msg, accept_encoding="identity")
    name, charset, _ = _parsed(request.content_type)
    if name not in accepted or charset not in _UTF_8:
        sent = request.content_type[:_SHOWN_CHARACTERS] or "missing"
        msg = f"the body's Content-Type has to be {' or '.join(accepted)}, in UTF-8; it is {sent}"
        raise UnsupportedContentTypeError(msg)
    return name


def has_header(request: Request) -> bool:
    """Return whether a CSV has a header; it says so if not (RFC 4180, section 3).

    Raises:
        UnsupportedContentTypeError: The parameter is neither ``present`` nor ``absent``.
    """
    header = _parsed(request.content_type)[2]
    if header not in {None, "present", "absent"}:
        sent = request.content_type[:_SHOWN_CHARACTERS]
        msg = f"the parameter header of a CSV is present or absent; the Content-Type is {sent}"
        raise UnsupportedContentTypeError(msg)
    return header != "absent"


@lru_cache(_KEPT_CONTENT_TYPES)
def accepted(accept: str, *types: str) -> str:
    """Return the media type of an answer: the first that is accepted, or the first of all."""
    for one in accept.split(","):
        name, *parameters = (part.strip().lower() for part in one.split(";"))
        if name in types and not any(map(_NOT_ACCEPTED.fullmatch, parameters)):
            return name
    return types[0]


@lru_cache(_KEPT_CONTENT_TYPES)
def _parsed(content_type: str) -> tuple[str, str | None, str | None]:
    """Return a media type, its charset and its parameter header."""
    message = Message()
    message["Content-Type"] = content_type
    header = message.get_param("header")
    is_header = header.lower() if isinstance(header, str) else None
    return message.get_content_type(), message.get_content_charset(), is_header


def sized(body: bytes, most: int = MAX_BODY_BYTES) -> bytes:
    """Return the body without a byte order mark.

    Raises:
        TooLargeError: It is over the limit.
        MalformedBodyError: It is UTF-16, UTF-32 or compressed with gzip.
    """
    if len(body) > most:
        msg = f"the body has {len(body)} bytes; at most {most} are accepted"
        raise TooLargeError(msg)
    if body.startswith(_GZIP):
        msg = "the body is compressed with gzip: send it uncompressed"
        raise MalformedBodyError(msg)
    if b"\0" in body[:_MARKED_BYTES]:
        msg = "the body is UTF-16, or has zero bytes otherwise: send it in UTF-8"
        raise MalformedBodyError(msg)
    return body.removeprefix(_BYTE_ORDER_MARK)


def colons(body: bytes | memoryview) -> int:
    """Count the colons; in a large body with NumPy, which takes a sixth of the time."""
    if isinstance(body, bytes) and len(body) < _LARGE_BYTES:
        return body.count(b":")
    return int(np.count_nonzero(np.frombuffer(body, np.uint8) == _COLON))


def refuse_repeated_names(body: bytes, names: int) -> None:
    """Reject duplicate JSON keys (RFC 8259, section 4).

    Args:
        body: JSON that a parser has taken.
        names: Number of names in all objects that the parser made of it. Where strings hold
            colons, or a name is repeated, the numbers differ and the body is read again.

    Raises:
        MalformedBodyError: An object names a field twice.
    """
    if colons(body) == names:
        return
    try:
        json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError) as exc:
        msg = f"the body is not JSON in UTF-8: {exc}"
        raise MalformedBodyError(msg) from exc


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        name, times = Counter(name for name, _ in pairs).most_common(1)[0]
        msg = f"the body names {name[:_SHOWN_CHARACTERS]} {times} times; give it once"
        raise MalformedBodyError(msg)
    return fields


def refuse_many_names(body: bytes, most: int) -> None:
    """Reject JSON with too many names before it is parsed, in a row or around the rows.

    To refuse 480,000 unknown names one by one, 5.8 MB, took 3 s of a processor and 0.9 GB. Colons
    within strings are counted as names.

    Args:
        body: JSON, or not: what cannot be taken apart is left to the parser.
        most: Names that a row may have, or the object of a table's columns.

    Raises:
        InvalidFieldsError: There are more.
    """
    left = colons(body)
    if left <= _PARSED_NAMES:
        return
    try:
        forms = _decoder().decode(body)
        for form in _FORMS:
            data = memoryview(getattr(forms, form))
            names = colons(data)
            left -= names
            if names > most:
                _refuse(form, data, names, most)
    except (msgspec.DecodeError, RecursionError):
        return
    if left > most:
        raise too_many_names(most, field="body")


def too_many_names(most: int, *, field: str, row: int | None = None) -> InvalidFieldsError:
    """Make the error of a field; if it is a row, with the row's index."""
    message = f"over {most:,} names or colons; a {SUBJECT.row} has {len(FEATURES)} names"
    number = {} if row is None else {"row": row + 1}
    return InvalidFieldsError([{"field": field, "message": message, **number}])


def _refuse(form: str, data: memoryview, names: int, most: int) -> None:
    if data[0] == _BRACKET:
        for index, row in enumerate(_list_decoder().decode(data)):
            if bytes(row).count(b":") > most:
                raise too_many_names(most, field=f"{form}.{index}", row=index)
        return
    if form == _SPLIT:
        split = _split_decoder().decode(data)
        names -= colons(memoryview(split.columns)) + colons(memoryview(split.data))
    if names > most:
        raise too_many_names(most, field=form)


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    """Compile the decoder that locates the forms without reading them."""
    return msgspec.json.Decoder(_raw_fields("Forms", *_FORMS))


@cache
def _split_decoder() -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_raw_fields("Split", "columns", "data"))


@cache
def _list_decoder() -> msgspec.json.Decoder[list[msgspec.Raw]]:
    return msgspec.json.Decoder(list[msgspec.Raw])


def _raw_fields(name: str, *fields: str) -> type[msgspec.Struct]:
    return msgspec.defstruct(name, [(field, msgspec.Raw, _UNREAD) for field in fields])
