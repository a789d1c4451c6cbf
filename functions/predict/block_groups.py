"""Checks many block groups at once, and says row by row what is wrong with them.

One compiled validator goes over the whole list, so that 1,000 rows cost a millisecond, not one
model object each.
"""

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import SchemaValidator, ValidationError, core_schema

from housing.schema import FEATURES, Column
from predict.errors import TooLargeError
from predict.field_errors import refusal

INSTANCES = "instances"
Matrix = NDArray[np.float64]
"""Values of n block groups, ``[n, 8]``, in the order of ``housing.schema.FEATURES``."""


def from_json(body: bytes, max_rows: int) -> Matrix:
    """Read ``{"instances": [{…}, …]}``; every row has the eight fields and no others.

    Raises:
        MalformedBodyError: It is not JSON.
        InvalidFieldsError: Fields are missing, unknown, of the wrong type or out of range.
        TooLargeError: There are more rows than the limit.
    """
    try:
        found = _body_validator(max_rows).validate_json(body)[INSTANCES]
    except ValidationError as exc:
        errors = exc.errors(include_url=False, include_context=False)
        if any(error["type"] == "too_long" for error in errors):
            raise too_many_rows(max_rows) from exc
        raise refusal(errors) from exc
    return _matrix(found)


def from_rows(rows: Sequence[object], max_rows: int, *, place: str) -> Matrix:
    """Check rows that were read already; fields that the schema does not know are left out.

    Args:
        rows: A mapping of names to numbers for each block group.
        max_rows: The limit.
        place: What the fields' names in errors begin with.

    Raises:
        InvalidFieldsError: Fields are missing, of the wrong type or out of range.
        TooLargeError: There are more rows than the limit.
    """
    if len(rows) > max_rows:
        raise too_many_rows(max_rows)
    try:
        return _matrix(_rows_validator().validate_python(rows))
    except ValidationError as exc:
        raise refusal(exc.errors(include_url=False, include_context=False), place) from exc


def too_many_rows(max_rows: int) -> TooLargeError:
    """Make the error that says the limit."""
    return TooLargeError(
        f"at most {max_rows} rows are taken at once; send them in several requests"
    )


def _matrix(rows: Sequence[dict[str, float]]) -> Matrix:
    values = chain.from_iterable(map(dict.values, rows))  # in schema order, whatever was sent
    width = len(FEATURES)
    return np.fromiter(values, np.float64, len(rows) * width).reshape(len(rows), width)


@cache
def _body_validator(max_rows: int) -> SchemaValidator:
    """Compile the check of a JSON body; one is kept for each limit, and a process has one limit."""
    rows = core_schema.list_schema(_row_schema("forbid"), max_length=max_rows)
    fields = {INSTANCES: core_schema.typed_dict_field(rows)}
    return SchemaValidator(core_schema.typed_dict_schema(fields, extra_behavior="forbid"))


@cache
def _rows_validator() -> SchemaValidator:
    return SchemaValidator(core_schema.list_schema(_row_schema("ignore")))


def _row_schema(extra: Any) -> core_schema.TypedDictSchema:
    fields = {column.name: core_schema.typed_dict_field(_number(column)) for column in FEATURES}
    return core_schema.typed_dict_schema(fields, extra_behavior=extra)


def _number(column: Column) -> core_schema.FloatSchema:
    return core_schema.float_schema(
        strict=True, allow_inf_nan=False, ge=column.minimum, le=column.maximum
    )
