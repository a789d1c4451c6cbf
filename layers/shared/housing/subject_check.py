"""Check a subject: names, ranges, examples and categories that do not contradict each other."""

import math
import re
from collections import Counter
from collections.abc import Iterator

from housing.subject import Column, Subject, SubjectError

_MODEL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
_TEXTS = 2  # of false and true
_RESERVED = frozenset({"interval_90", "model_name", "model_version", "probability", "stale"})
"""Fields of an answer, which a target's may not replace."""


def check(subject: Subject) -> None:
    """Check a subject.

    Raises:
        SubjectError: It contradicts itself; the first contradiction.
    """
    problem = next(_problems(subject), None)
    if problem:
        msg = f"subject {subject.name}: {problem}"
        raise SubjectError(msg)


def _problems(subject: Subject) -> Iterator[str]:
    if not _MODEL_NAME.fullmatch(subject.name):
        yield f"{subject.name!r} is not a valid model name: letters, digits, - and _"
    if not subject.features:
        yield "it has no features"
    columns = (*subject.features, subject.target)
    times = Counter(column.name.casefold() for column in columns)
    for column in columns:
        if times[column.name.casefold()] > 1:
            yield f"two columns have the name {column.name}"
        yield from (f"column {column.name}: {text}" for text in _column_problems(column))
    yield from _target_problems(subject)
    yield from _output_problems(subject)
    yield from _reference_problems(subject)


def _column_problems(column: Column) -> Iterator[str]:
    if not column.name.strip() or column.name != column.name.strip():
        yield "its name is blank, or has spaces around it"
    if not column.minimum <= column.maximum:
        yield f"its minimum {column.minimum:g} is above its maximum {column.maximum:g}"
    if column.tolerance < 0 or math.isnan(column.tolerance):
        yield f"its tolerance {column.tolerance:g} is negative"
    if column.kind == "category":
        yield from _category_problems(column)
        return
    is_named = column.kind == "boolean" and len(set(column.categories)) == _TEXTS
    if column.categories and not is_named:
        yield f"it has categories, but its kind is {column.kind}"
    if column.unknown == "other":
        yield f'unknown="other" is for categories, and its kind is {column.kind}'
    if column.kind != "boolean":
        yield from _number_problems(column)
    elif column.example not in {0, 1}:
        yield f"its example {column.example:g} is neither 0 nor 1"


def _number_problems(column: Column) -> Iterator[str]:
    if not column.usual_minimum <= column.usual_maximum:
        yield f"its usual minimum {column.usual_minimum:g} is above {column.usual_maximum:g}"
    if not column.minimum <= column.example <= column.maximum:
        limits = f"{column.minimum:g} … {column.maximum:g}"
        yield f"its example {column.example:g} is outside {limits}"
    if column.kind == "integer" and not float(column.example).is_integer():
        yield f"its example {column.example:g} is not a whole number"


def _category_problems(column: Column) -> Iterator[str]:
    if not column.categories:
        yield "it is a category without categories"
        return
    if len(set(column.categories)) < len(column.categories):
        twice = next(one for one, times in Counter(column.categories).items() if times > 1)
        yield f"its category {twice!r} appears twice"
    for text in column.categories:
        if not text or text != text.strip():
            yield f"its category {text!r} is empty, or has spaces around it"
    if not 0 <= column.example < len(column.categories) or column.example % 1:
        last = len(column.categories) - 1
        yield f"its example {column.example:g} is not a position in its categories, 0 … {last}"


def _target_problems(subject: Subject) -> Iterator[str]:
    target = subject.target
    if subject.task == "classification" and target.kind != "boolean":
        yield f"the target of a classification is a boolean, {target.name} is a {target.kind}"
    if subject.task == "regression" and target.kind not in {"number", "integer"}:
        yield f"the target of a regression is a number, {target.name} is a {target.kind}"
    if target.optional:
        yield f"the target {target.name} is optional: a row without it teaches nothing"
    if target.name in _RESERVED:
        yield f"the target's name {target.name} is a field of every answer"
    if not 0 < subject.threshold < 1:
        yield f"the threshold {subject.threshold:g} is not between 0 and 1"


def _output_problems(subject: Subject) -> Iterator[str]:
    """Yield names that are both an input and an output of the graph, which ONNX does not allow."""
    if not any(column.kind == "category" for column in subject.features):
        return  # the inputs are one, "features"
    is_class = subject.task == "classification"
    outputs = {"probability"} if is_class else {subject.output, "lower", "upper", "nearest_km"}
    for column in subject.features:
        if column.name in outputs:
            yield f"the feature {column.name} has the name of an output of the model: rename it"


def _reference_problems(subject: Subject) -> Iterator[str]:
    kinds = {column.name: column.kind for column in subject.features}
    names = {column.name for column in (*subject.features, subject.target)}
    wanted: list[tuple[str, str]] = []
    for ratio in subject.ratios:
        wanted += [(f"ratio {ratio.name}", one) for one in (ratio.dividend, ratio.divisor)]
        if ratio.name in names:
            yield f"ratio {ratio.name} has the name of a column"
    if subject.geography:
        place = subject.geography
        others = (*place.place, *place.averaged, place.alike)
        wanted += [("the geography", one) for one in others]
    for who, column in wanted:
        if column not in kinds:
            yield f"{who} needs a feature {column}, which is not there"
        elif kinds[column] in {"category", "boolean"}:
            yield f"{who} needs a number, and {column} is a {kinds[column]}"
    for header in subject.headers:
        if set(header.column_of) != names:
            yield f"the header {header.title} has no column_of for each column, or for others"
        unknown = [one for one in header.column_of.values() if one not in header.names]
        if unknown:
            yield f"the header {header.title} has no column {unknown[0]}"
