"""The tables of logged predictions and of actual values in Athena, and the query over both.

CloudFormation cannot make a list of columns of a parameter. So the template has those of the
built-in table, and a deployment of another writes its own in their place.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from housing.subject import Column, Subject

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TYPES = {"category": "string", "boolean": "boolean"}
_DAYS = 90
_LEAST = "1e-7"
"""A probability is no nearer to 0 or 1 in a logarithm."""


def with_tables(template: Mapping[str, Any], subject: Subject) -> dict[str, Any]:
    """Return a template whose tables and query have a subject's columns."""
    made = copy.deepcopy(dict(template))
    resources = made["Resources"]
    predictions = resources["PredictionTable"]["Properties"]["TableInput"]["StorageDescriptor"]
    kept = [c for c in predictions["Columns"] if c["Name"] in _OF_ALL]
    predictions["Columns"] = [*kept, *_predicted(subject)]
    actuals = resources["ActualTable"]["Properties"]["TableInput"]["StorageDescriptor"]
    actuals["Columns"] = [
        {"Name": column.name.lower(), "Type": "double"}
        for column in (*subject.features, subject.target)
    ]
    query = resources["PredictionsBesideActuals"]["Properties"]
    query["QueryString"] = query_of(subject)
    return made


_OF_ALL = ("logged_at", "request_id", "model_version", "stale", "cold_start", "latency_ms")


def _predicted(subject: Subject) -> Iterator[dict[str, str]]:
    fields = ",".join(f"{c.name.lower()}:{_TYPES.get(c.kind, 'double')}" for c in subject.features)
    is_struct = all(_PLAIN.fullmatch(column.name) for column in subject.features)
    yield {"Name": "features", "Type": f"struct<{fields}>" if is_struct else "map<string,string>"}
    yield {"Name": _answer(subject), "Type": "double"}
    if subject.geography:
        yield {"Name": "nearest_training_km", "Type": "double"}
    if subject.task == "regression":
        comment = "The line's field interval; lower and upper"
        yield {"Name": "prediction_interval", "Type": "array<double>", "Comment": comment}


def _answer(subject: Subject) -> str:
    return "probability" if subject.task == "classification" else subject.output


def query_of(subject: Subject) -> str:
    """Return the query that compares predictions with actual values, by version of the model.

    The model sees float32, so that is what two rows are equal in. Rows that a version was trained
    on are among them; its error on unseen ones is the metric of the job that took them in.
    """
    keys = [f"k{number}" for number in range(1, len(subject.features) + 1)]
    is_struct = all(_PLAIN.fullmatch(column.name) for column in subject.features)
    asked = [_logged(column, is_struct=is_struct) for column in subject.features]
    known = [_key(f"CAST({_quoted(c.name)} AS real)", c) for c in subject.features]
    is_class = subject.task == "classification"
    limits = [] if is_class else ["prediction_interval[1] AS lower_limit"]
    limits += [] if is_class else ["prediction_interval[2] AS upper_limit"]
    of_answer = ["model_version", f"{_quoted(_answer(subject))} AS predicted", *limits]
    of_rows = [f"avg({_quoted(subject.target.name)}) AS actual"]
    lines = [
        "WITH answered AS (",
        *_select([*of_answer, *_named(asked, keys)], "predictions"),
        f"  WHERE day >= current_date - INTERVAL '{_DAYS}' DAY",
        "), known AS (",
        *_select([*_named(known, keys), *of_rows], "actuals"),
        f"  GROUP BY {', '.join(str(number) for number in range(1, len(keys) + 1))}",
        ")",
        "SELECT",
        ",\n".join(f"  {one}" for one in ["model_version", *_figures(is_class=is_class)]),
        "FROM answered",
        f"JOIN known USING ({', '.join(keys)})",
        "GROUP BY model_version",
        "ORDER BY model_version",
    ]
    return "\n".join(lines) + "\n"


def _figures(*, is_class: bool) -> list[str]:
    shared = ["count(*) AS predictions", "avg(predicted - actual) AS bias"]
    if not is_class:
        return [
            *shared,
            "avg(abs(predicted - actual)) AS mae",
            "sqrt(avg(power(predicted - actual, 2))) AS rmse",
            (
                "avg(CASE WHEN actual BETWEEN lower_limit AND upper_limit THEN 1.0 ELSE 0.0 END)"
                " AS coverage"
            ),
        ]
    true, false = f"greatest(predicted, {_LEAST})", f"greatest(1 - predicted, {_LEAST})"
    return [
        *shared,
        "avg(power(predicted - actual, 2)) AS brier",
        f"-avg(actual * ln({true}) + (1 - actual) * ln({false})) AS log_loss",
    ]


def _select(columns: list[str], table: str) -> list[str]:
    return ["  SELECT", ",\n".join(f"    {one}" for one in columns), f"  FROM {table}"]


def _named(expressions: list[str], names: list[str]) -> Iterator[str]:
    return (f"{one} AS {name}" for one, name in zip(expressions, names, strict=True))


def _logged(column: Column, *, is_struct: bool) -> str:
    """Return a logged feature as the number that the data set has of it."""
    name = column.name
    field = f"features.{name.lower()}" if is_struct else f"features[{_literal(name.lower())}]"
    if column.kind == "category":
        codes = (f"WHEN {_literal(text)} THEN {n}" for n, text in enumerate(column.categories))
        value = f"CASE {field} {' '.join(codes)} WHEN {_literal('other')} THEN {column.other} END"
    elif column.kind == "boolean" and not is_struct:
        value = f"CAST({field} AS boolean)"
    else:
        value = field
    return _key(f"CAST({value} AS real)", column)


def _key(number: str, column: Column) -> str:
    """Return what rows are joined by: of a column that may lack values a text, equal to itself."""
    if not column.optional:
        return number
    return f"coalesce(lower(CAST({number} AS varchar)), 'nan')"


def _quoted(name: str) -> str:
    low = name.lower()
    return low if _PLAIN.fullmatch(low) else '"' + low.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
