"""Refuses JSON with endless names before it is parsed: a parser makes a string of each.

To refuse 480,000 unknown names one by one, 5.8 MB, took 3 s of a processor and 0.9 GB.
"""

from functools import cache
from typing import Any

import msgspec

from predict.errors import InvalidFieldsError
from predict.scoring.json_names import colons

MOST_NAMES = 1_000
"""Of a row, or of a table's columns, where names that the schema does not know are left out."""
_PARSED_NAMES = 100_000
"""Fewer, as the largest batch has, are parsed within 30 ms."""
_SPLIT = "dataframe_split"
_FORMS = ("instances", "inputs", "dataframe_records", _SPLIT)
_BRACKET = ord("[")
_UNREAD = msgspec.Raw(b"")


def refuse_many_names(body: bytes, most: int) -> None:
    """Count the colons of each row, and of all that is no row; strings are counted with the rest.

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
    """Make the error of a field; where that is a row, of its index too."""
    message = f"over {most:,} names or colons; a block group has 8 names"
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
    """Compile what finds the forms, without reading them."""
    return msgspec.json.Decoder(_raw_fields("Forms", *_FORMS))


@cache
def _split_decoder() -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_raw_fields("Split", "columns", "data"))


@cache
def _list_decoder() -> msgspec.json.Decoder[list[msgspec.Raw]]:
    return msgspec.json.Decoder(list[msgspec.Raw])


def _raw_fields(name: str, *fields: str) -> type[msgspec.Struct]:
    return msgspec.defstruct(name, [(field, msgspec.Raw, _UNREAD) for field in fields])
