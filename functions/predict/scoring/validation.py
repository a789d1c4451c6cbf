"""Validation of rows, one or many, with an error for each wrong field.

One compiled validator checks the whole list, so that 1,000 rows cost a millisecond, not one model
object each. Where all columns are numbers that have to be there, good rows pass faster checks.
"""

import struct
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic_core import ErrorDetails, SchemaValidator, ValidationError, core_schema
from pydantic_core import from_json as from_json_text

from housing.schema import FEATURE_NAMES, FEATURES
from predict.errors import MalformedBodyError, TooLargeError
from predict.problems import refusal
from predict.scoring.columns import ARE_NUMBERS, field
from predict.scoring.request_body import (
    colons,
    refuse_many_names,
    refuse_repeated_names,
    too_many_names,
)

INSTANCES = "instances"
_WIDTH = len(FEATURES)
_MINIMUM = np.array([column.minimum for column in FEATURES])
_MAXIMUM = np.array([column.maximum for column in FEATURES])
_RANGES = [(column.minimum, column.maximum) for column in FEATURES]
_MOST_FAULTS_AT_ONCE = 40_000
"""A body with at most so many possible faults is checked whole, in a tenth of a second."""
_MOST_NAMES = 100
"""A row with more is rejected unchecked."""
_ROWS_AT_ONCE = 50
_COUNTED_FAULTS = 10_000
"""The search ends after so many faults, one for each row of the largest batch."""
_JSON_WORDS = MappingProxyType(
    {"dict_type": "Input should be an object", "list_type": "Input should be a valid array"}
)
"""Pydantic's messages for JSON, where they differ from those for Python objects."""
Matrix = NDArray[np.float64]
"""Canonical values of n rows, ``[n, features]``, in the order of ``housing.schema.FEATURES``."""


def one_from_json(body: bytes) -> dict[str, float]:
    """Read one row, ``{"MedInc": …, …}``: the features and no others.

    Returns:
        Name to canonical value, in schema order.

    Raises:
        MalformedBodyError: It is not JSON, or names a field twice.
        InvalidFieldsError: Fields are missing, unknown, of the wrong type or out of range.
    """
    try:
        # Pydantic parses the bytes itself: NaN, infinities and endless nesting are errors here.
        row: dict[str, float] = _row_validator().validate_json(body)
    except ValidationError as exc:
        raise refusal(exc.errors(include_url=False, include_context=False)) from exc
    refuse_repeated_names(body, _WIDTH)  # with a value missing, or a colon in one, it reads again
    return row


def from_json(body: bytes, max_rows: int) -> Matrix:
    """Read ``{"instances": [{…}, …]}``; every row has the features and no others.

    Good bodies pass a fast check of whole columns, in a third of the time; pydantic reads all
    others again and reports their errors.

    Raises:
        MalformedBodyError: It is not JSON, or names a field twice.
        InvalidFieldsError: Fields are missing, unknown, of the wrong type or out of range.
        TooLargeError: There are more rows than the limit.
    """
    screened = _screened(body, max_rows)
    if screened is not None:
        return screened
    if colons(body) + body.count(b",") + _WIDTH * body.count(b"{") > _MOST_FAULTS_AT_ONCE:
        return _in_pieces(body, max_rows)
    try:
        rows = _body_validator(max_rows).validate_json(body)[INSTANCES]
    except ValidationError as exc:
        errors = exc.errors(include_url=False, include_context=False)
        if any(error["type"] == "too_long" for error in errors):
            raise too_many_rows(max_rows) from exc
        raise refusal(errors) from exc
    refuse_repeated_names(body, 1 + len(rows) * _WIDTH)
    return _matrix(rows)


def _in_pieces(body: bytes, max_rows: int) -> Matrix:
    """Read a body with so many possible faults that not all can be listed."""
    refuse_many_names(body, _MOST_NAMES)
    try:
        content = from_json_text(body, cache_strings="none")
    except ValueError as exc:
        msg = f"Invalid JSON: {exc}"
        raise MalformedBodyError(msg) from exc
    rows: list[object] = []
    if isinstance(content, dict) and isinstance(content.get(INSTANCES), list):
        rows, content[INSTANCES] = content[INSTANCES], []  # first the fields around them
    if len(rows) > max_rows:
        raise too_many_rows(max_rows)
    _refuse_names(content, "body")
    try:
        _body_validator(max_rows).validate_python(content)
    except ValidationError as exc:
        raise refusal(_faults(exc, _JSON_WORDS), counts_all=not rows) from exc
    for index, row in enumerate(rows):
        _refuse_names(row, f"{INSTANCES}.{index}", index)
    checked = _checked(rows, _rows_validator("forbid"), INSTANCES, _JSON_WORDS)
    refuse_repeated_names(body, 1 + len(checked) * _WIDTH)
    return _matrix(checked)


def _refuse_names(content: object, field: str, row: int | None = None) -> None:
    if isinstance(content, dict) and len(content) > _MOST_NAMES:
        raise too_many_names(_MOST_NAMES, field=field, row=row)


def _checked(
    rows: Sequence[object],
    validator: SchemaValidator,
    place: str,
    words: Mapping[str, str] = MappingProxyType({}),
) -> list[dict[str, float]]:
    """Check rows, a few at a time, up to a number of faults."""
    checked: list[dict[str, float]] = []
    faults: list[ErrorDetails] = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        if len(faults) >= _COUNTED_FAULTS:
            raise refusal(faults, place, counts_all=False)
        try:
            checked += validator.validate_python(rows[start : start + _ROWS_AT_ONCE])
        except ValidationError as exc:
            for fault in _faults(exc, words):
                index, *within = fault["loc"]
                fault["loc"] = (start + int(index), *within)
                faults.append(fault)
    if faults:
        raise refusal(faults, place)
    return checked


def _faults(exc: ValidationError, words: Mapping[str, str]) -> list[ErrorDetails]:
    """Return pydantic's errors, with other messages where given."""
    faults = exc.errors(include_url=False, include_context=False)
    for fault in faults:
        fault["msg"] = words.get(fault["type"], fault["msg"])
    return faults


def _screened(body: bytes, max_rows: int) -> Matrix | None:
    """Return the rows of a good body, or None if it may have a fault."""
    if not ARE_NUMBERS:
        return None
    try:
        rows = _body_decoder().decode(body).instances
    except msgspec.DecodeError:
        return None
    # Reject repeated names: the decoder would take the last.
    if len(rows) > max_rows or colons(body) != 1 + len(rows) * _WIDTH:
        return None
    cells = chain.from_iterable(map(msgspec.structs.astuple, rows))
    packed = struct.pack(f"{len(rows) * _WIDTH}d", *cells)
    return _within_range(np.frombuffer(packed, np.float64))


def screened_lists(rows: Any, max_rows: int) -> Matrix | None:
    """Return good rows of ``[[…], …]``, each in schema order, or None if there may be a fault."""
    if (
        not ARE_NUMBERS
        or type(rows) is not list
        or not 0 < len(rows) <= max_rows
        or set(map(type, rows)) != {list}
        or set(map(len, rows)) != {_WIDTH}
    ):
        return None
    if len(rows) == 1:
        return _screened_row(rows[0])
    return _screened_cells(list(chain.from_iterable(rows)))


def _screened_row(cells: list[Any]) -> Matrix | None:
    """Check one row number by number, in a third of the time that NumPy takes."""
    for cell, (least, most) in zip(cells, _RANGES, strict=True):
        if (type(cell) is not float and type(cell) is not int) or not least <= cell <= most:
            return None
    return np.array([cells], np.float64)


def _screened_cells(cells: list[Any]) -> Matrix | None:
    try:
        # Rejects all but numbers and booleans, in a fifth of the time of type checks.
        packed = struct.pack(f"{len(cells)}d", *cells)
    except (struct.error, OverflowError):
        return None
    values = np.frombuffer(packed, np.float64)
    maybe_boolean = np.flatnonzero((values == 0) | (values == 1)).tolist()
    if any(type(cells[place]) is bool for place in maybe_boolean):
        return None
    return _within_range(values)


def _within_range(values: NDArray[np.float64]) -> Matrix | None:
    matrix = values.reshape(-1, _WIDTH)
    return matrix if ((matrix >= _MINIMUM) & (matrix <= _MAXIMUM)).all() else None


def from_rows(rows: Sequence[object], *, place: str) -> Matrix:
    """Check parsed rows; unknown fields are dropped.

    Args:
        rows: A mapping of names to values for each row of a table.
        place: Prefix of the fields' names in errors.

    Raises:
        InvalidFieldsError: Fields are missing, of the wrong type or out of range.
    """
    return _matrix(_checked(rows, _rows_validator("ignore"), place))


def named_rows(features: Matrix, which: NDArray[np.intp]) -> list[dict[str, float]]:
    """Return some rows by index, each name to value."""
    return [dict(zip(FEATURE_NAMES, row, strict=True)) for row in features[which].tolist()]


def too_many_rows(max_rows: int) -> TooLargeError:
    """Make the error with the limit."""
    return TooLargeError(
        f"at most {max_rows} rows are accepted at once; send them in several requests"
    )


def _matrix(rows: Sequence[dict[str, float]]) -> Matrix:
    values = chain.from_iterable(map(dict.values, rows))  # in schema order
    return np.fromiter(values, np.float64, len(rows) * _WIDTH).reshape(len(rows), _WIDTH)


@cache
def _body_decoder() -> msgspec.json.Decoder[Any]:
    """Compile the decoder of good bodies, without dictionaries: half the time of those with.

    It accepts numbers only, and exactly the fields' names.
    """
    row = msgspec.defstruct(
        "Row", [(name, float) for name in FEATURE_NAMES], forbid_unknown_fields=True, gc=False
    )
    body = msgspec.defstruct("Body", [(INSTANCES, list[row])], forbid_unknown_fields=True)  # type: ignore[valid-type]
    return msgspec.json.Decoder(body)


@cache
def _body_validator(max_rows: int) -> SchemaValidator:
    """Compile the check of a JSON body; a process has one limit."""
    rows = core_schema.list_schema(_row_schema("forbid"), max_length=max_rows)
    fields = {INSTANCES: core_schema.typed_dict_field(rows)}
    return SchemaValidator(core_schema.typed_dict_schema(fields, extra_behavior="forbid"))


@cache
def _row_validator() -> SchemaValidator:
    return SchemaValidator(_row_schema("forbid"))


@cache
def _rows_validator(extra: str) -> SchemaValidator:
    return SchemaValidator(core_schema.list_schema(_row_schema(extra)))


def _row_schema(extra: Any) -> core_schema.TypedDictSchema:
    """Return the check of a row; only rows of tables may have other columns."""
    fields = {column.name: field(column, is_table=extra == "ignore") for column in FEATURES}
    return core_schema.typed_dict_schema(fields, extra_behavior=extra)
