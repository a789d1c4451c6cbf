"""Request bodies in the protocol of MLflow's scoring server, ``POST /invocations``.

The forms and their meanings are those of ``mlflow.pyfunc.scoring_server``: columns are looked up by
name, in any order, and unknown ones are dropped. Lists without names, which MLflow rejects for a
model with named columns, are read in schema order.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import orjson
import pydantic_core

from housing.schema import FEATURE_NAMES
from predict.errors import InvalidFieldsError, MalformedBodyError, RefusedInvocationError
from predict.scoring import csv_rows, validation
from predict.scoring.columns import REQUIRED
from predict.scoring.request_body import (
    MOST_NAMES,
    colons,
    refuse_many_names,
    refuse_repeated_names,
    too_many_names,
)
from predict.scoring.validation import Matrix

PROTOCOL_VERSION = "2.0.0"
"""The MLflow release that introduced this protocol; no MLflow is installed here."""

_SPLIT = {"columns", "data"}
_COLUMNS = list(FEATURE_NAMES)
_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def from_csv(body: bytes, max_rows: int, *, has_header: bool) -> Matrix:
    """Read a CSV with a header, or one without of exactly the schema's columns.

    Raises:
        RequestError: It is not a CSV, or its values are not valid.
    """
    try:
        rows = csv_rows.read(body, max_rows, strict=False, has_header=has_header)
        return validation.from_rows(rows, place=csv_rows.PLACE)
    except InvalidFieldsError as exc:
        raise RefusedInvocationError.of(exc) from exc


def from_json(body: bytes, max_rows: int) -> Matrix:
    """Read one of the JSON forms.

    Raises:
        RequestError: It has none of the forms, or its values are not valid.
    """
    names = colons(body)
    if names <= 1 + len(_SPLIT):  # the usual forms of lists have no more
        screened = _screened(body, names, max_rows)
        if screened is not None:
            return screened
    try:
        refuse_many_names(body, MOST_NAMES)
        form, data = _form(body)
        if form == "dataframe_split":
            rows = _of_split(data, max_rows)
        elif form != "dataframe_records" and isinstance(data, dict):
            rows = _of_columns(form, data, max_rows)
        else:
            rows = _of_list(form, data, max_rows)
        return validation.from_rows(rows, place=form)
    except InvalidFieldsError as exc:
        raise RefusedInvocationError.of(exc) from exc


def _screened(body: bytes, names: int, max_rows: int) -> Matrix | None:
    """Return the rows of a good body in a usual form of lists, or None."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if type(content) is not dict or len(content) != 1:
        return None
    expected = 1
    ((form, rows),) = content.items()
    if form == "dataframe_split":
        if type(rows) is not dict or rows.keys() != _SPLIT or rows["columns"] != _COLUMNS:
            return None
        expected, rows = 1 + len(_SPLIT), rows["data"]
    elif form not in ("instances", "inputs"):
        return None
    if names != expected:  # a name is repeated
        return None
    return validation.screened_lists(rows, max_rows)


def _form(body: bytes) -> tuple[str, Any]:
    try:
        content = pydantic_core.from_json(body, cache_strings="none")
    except ValueError as exc:
        msg = f"the body is not JSON: {exc}"
        raise MalformedBodyError(msg) from exc
    forms = [form for form in _FORMS if form in content] if isinstance(content, dict) else []
    if len(forms) != 1:
        msg = f"the body has to be a JSON object with exactly one of {', '.join(_FORMS)}"
        raise MalformedBodyError(msg)
    refuse_repeated_names(body, len(content) + _names(content[forms[0]]))
    return forms[0], content[forms[0]]


def _names(data: Any) -> int:
    """Count the names in a form's rows; other data is rejected later."""
    rows = [data] if isinstance(data, dict) else data if isinstance(data, list) else []
    return sum(len(row) for row in rows if isinstance(row, dict))


def _of_split(data: Any, max_rows: int) -> list[Any]:
    """Read ``{"columns": […], "data": [[…], …]}``; an index is ignored."""
    if not isinstance(data, dict):
        data = {}
    columns, rows = data.get("columns"), data.get("data")
    if isinstance(columns, list) and len(columns) > MOST_NAMES:
        raise too_many_names(MOST_NAMES, field="dataframe_split.columns")
    named = isinstance(columns, list) and all(isinstance(name, str) for name in columns)
    if not named or len(set(columns)) != len(columns) or not isinstance(rows, list):
        msg = "dataframe_split needs the columns' names, each once, and the list data"
        raise MalformedBodyError(msg)
    _check_columns(columns)
    _check_count(rows, max_rows)
    known = [name for name in FEATURE_NAMES if name in columns]
    if len(columns) == len(known) or len(known) == 1:
        return [_named(columns, row) for row in rows]
    wanted = itemgetter(*map(columns.index, known))
    return [
        dict(zip(known, wanted(row), strict=True)) if _has(row, len(columns)) else row
        for row in rows
    ]


def _of_columns(form: str, data: dict[str, Any], max_rows: int) -> list[Any]:
    """Read ``{"MedInc": […], …}``; single numbers are one row."""
    _check_columns(data)
    columns = {
        name: data[name] if isinstance(data[name], list) else [data[name]]
        for name in FEATURE_NAMES
        if name in data
    }
    if len({len(column) for column in columns.values()}) > 1:
        msg = f"the columns of {form} have to be of the same length"
        raise MalformedBodyError(msg)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    _check_count(rows, max_rows)
    return rows


def _of_list(form: str, data: Any, max_rows: int) -> list[Any]:
    if not isinstance(data, list) or not data:
        msg = f"{form} has to be a list of at least one row"
        raise MalformedBodyError(msg)
    _check_count(data, max_rows)
    return [_named(FEATURE_NAMES, row) for row in data]


def _named(columns: Sequence[str], row: Any) -> Any:
    """Name the values of a list; validation rejects other data, and lists of another length."""
    return dict(zip(columns, row, strict=True)) if _has(row, len(columns)) else row


def _has(row: object, width: int) -> bool:
    return isinstance(row, list) and len(row) == width


def _check_count(rows: Sequence[object], max_rows: int) -> None:
    if len(rows) > max_rows:
        raise validation.too_many_rows(max_rows)


def _check_columns(columns: Sequence[str] | dict[str, Any]) -> None:
    errors = [
        {"field": name, "message": "the data lacks this column"}
        for name in REQUIRED
        if name not in columns
    ]
    if errors:
        raise RefusedInvocationError(errors)
