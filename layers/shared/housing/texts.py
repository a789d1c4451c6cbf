"""Values of cells that are texts: categories, booleans, and texts for a missing value."""

import re
from collections.abc import Mapping

from housing.subject import Column

MISSING = re.compile(r"(?i)n/?a|#n/a|nan|null|none|nil|missing|\.|\?|-+")
"""Texts that say that a value is missing, besides a blank cell."""
BOOLEANS: Mapping[str, float] = {
    **dict.fromkeys(("false", "no", "f", "n", "0", "0.0"), 0.0),
    **dict.fromkeys(("true", "yes", "t", "y", "1", "1.0"), 1.0),
}
"""Values of a boolean's texts, in lower case."""
_LISTED = 20


def texts_of(column: Column) -> Mapping[str, float]:
    """Return the values of a column's texts; those of booleans are in lower case."""
    if column.kind == "boolean":
        own = {text.lower(): float(value) for value, text in enumerate(column.categories)}
        return {**BOOLEANS, **own}
    return {text: float(code) for code, text in enumerate(column.categories)}


def says_missing(text: str, column: Column) -> bool:
    """Return whether a trimmed text says that an optional value is missing."""
    if not column.optional or text in column.categories:
        return False
    return not text or bool(MISSING.fullmatch(text))


def value_of(text: str, column: Column, values: Mapping[str, float]) -> float | None:
    """Return the value of a trimmed text that is not missing; None if it has none."""
    if column.kind == "boolean":
        return values.get(text.lower())
    other = float(column.other) if column.unknown == "other" else None
    return values.get(text, other)


def why_unknown(text: str, column: Column) -> str:
    """Say why a text is no value of a column, and which are."""
    if column.kind == "boolean":
        own = " or ".join(column.categories)
        own = f"{own}, " if own else ""
        return f"not a boolean: write {own}true or false, yes or no, 1 or 0"
    same = next((one for one in column.categories if one.casefold() == text.casefold()), None)
    if same:
        return f"unknown category: it is written {same!r}, and case matters"
    shown = ", ".join(column.categories[:_LISTED])
    more = len(column.categories) - _LISTED
    return f"unknown category; known are: {shown}" + (f" and {more:,} more" if more > 0 else "")
