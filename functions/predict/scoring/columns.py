"""Checks of a row's values by the kind of their column, and values as an answer shows them."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_core import PydanticCustomError, PydanticKnownError, core_schema

from housing.onnx_session import OTHER
from housing.schema import FEATURES
from housing.subject import Column
from housing.texts import says_missing, texts_of, value_of, why_unknown

ARE_NUMBERS = all(column.kind == "number" and not column.optional for column in FEATURES)
"""Whether each value of a row is a number that has to be there, as fast checks take for granted."""
TEXT_COLUMNS = frozenset(column.name for column in FEATURES if column.kind == "category")
"""Columns whose cells of a CSV stay texts, also where they look like numbers."""
REQUIRED = tuple(column.name for column in FEATURES if not column.optional)
_BY_NAME = {column.name: column for column in FEATURES}
_FRACTION: Final = "int_from_float"
_NOT_BOOLEAN: Final = "bool_type"
_NOT_TEXT: Final = "string_type"
_UNKNOWN: Final = "category"
_UNKNOWN_IS: Final = "{why}"


def field(column: Column, *, is_table: bool) -> core_schema.TypedDictField:
    """Return the check of a column's value, which makes the canonical number of it.

    Args:
        column: The column.
        is_table: Whether rows come from a table, whose booleans may be 0 and 1 or texts, and whose
            missing values texts such as ``NA``; otherwise from a JSON object of this API.
    """
    schema = _CHECKS[column.kind](column, is_table)
    if not column.optional:
        return core_schema.typed_dict_field(schema)

    def validate(value: Any, check: Callable[[Any], float]) -> float:
        return math.nan if _is_missing(value, column, is_table=is_table) else check(value)

    optional = core_schema.with_default_schema(
        core_schema.no_info_wrap_validator_function(validate, schema), default=math.nan
    )
    return core_schema.typed_dict_field(optional, required=False)


def shown(features: Mapping[str, float]) -> Mapping[str, float | str | bool | None]:
    """Return canonical values as a request gives them; a category that is not known is *other*."""
    return {name: shown_value(_BY_NAME[name], value) for name, value in features.items()}


def shown_value(column: Column, value: float) -> float | str | bool | None:
    """Return a canonical value as a request gives it; None where it is missing."""
    if math.isnan(value):
        return None
    if column.kind == "category":
        return (*column.categories, OTHER)[int(value)]
    if column.kind == "boolean":
        return bool(value)
    return int(value) if column.kind == "integer" else value


def _is_missing(value: Any, column: Column, *, is_table: bool) -> bool:
    if isinstance(value, str):
        text = value.strip()
        return not text or (is_table and says_missing(text, column))
    return value is None or (is_table and isinstance(value, float) and math.isnan(value))


def _number(column: Column, _is_table: bool) -> core_schema.CoreSchema:  # noqa: FBT001 - as all checks
    return core_schema.float_schema(
        strict=True, allow_inf_nan=False, ge=column.minimum, le=column.maximum
    )


def _integer(column: Column, is_table: bool) -> core_schema.CoreSchema:  # noqa: FBT001 - as all checks
    def validate(value: float) -> float:
        if not value.is_integer():
            raise PydanticKnownError(_FRACTION)
        return value

    return core_schema.no_info_after_validator_function(validate, _number(column, is_table))


def _boolean(column: Column, is_table: bool) -> core_schema.CoreSchema:  # noqa: FBT001 - as all checks
    texts = texts_of(column)

    def validate(value: Any) -> float:
        if isinstance(value, bool):
            return float(value)
        known = None
        if is_table and isinstance(value, str):
            known = value_of(value.strip(), column, texts)
        elif is_table and isinstance(value, int | float) and value in {0, 1}:
            known = float(value)
        elif isinstance(value, str) and value in column.categories:
            known = float(column.categories.index(value))
        if known is None:
            raise PydanticKnownError(_NOT_BOOLEAN)
        return known

    return core_schema.no_info_plain_validator_function(validate)


def _category(column: Column, _is_table: bool) -> core_schema.CoreSchema:  # noqa: FBT001 - as all checks
    texts = texts_of(column)

    def validate(value: Any) -> float:
        if not isinstance(value, str):
            raise PydanticKnownError(_NOT_TEXT)
        text = value.strip()
        code = value_of(text, column, texts) if text else None
        if code is None:
            raise PydanticCustomError(_UNKNOWN, _UNKNOWN_IS, {"why": why_unknown(text, column)})
        return code

    return core_schema.no_info_plain_validator_function(validate)


_CHECKS: Mapping[str, Callable[[Column, bool], core_schema.CoreSchema]] = {
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "category": _category,
}
