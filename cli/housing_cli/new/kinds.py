"""Infer what a column of texts is: numbers, whole numbers, a boolean, a category, or no feature."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from housing.subject import Kind
from housing.texts import BOOLEANS, MISSING
from retrain.training.upload.cell_check import number_of

MOST_CATEGORIES = 100
_MOST_BAD = 0.02
"""Share of cells that may be no numbers in a column of numbers."""
_LEAST_TIMES = 2
_SHOWN = 5
_MOST_DIFFERENT = 0.5
_ID_NAME = re.compile(
    r"(?i)(.*[_\s.-])?(id|uuid|guid|key|index|idx|nr|no|number|row)|.*[a-z]ID|rownames"
)
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?([T ]\d{1,2}:\d{2}.*)?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}( \d{1,2}:\d{2}.*)?"
    r"|(?i:\d{1,2}[- ]?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[- ,]*\d{2,4}"
    r"|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[ .]+\d{1,2},? \d{2,4})"
    r"|\d{1,2}:\d{2}(:\d{2})?"
)
_MONEY = re.compile(r"[$€£]\s*[\d.,]+|[\d.,]+\s*[$€£%]")
_SCALES = (
    ("very low", "low", "medium", "high", "very high"),
    ("low", "moderate", "high"),
    ("very poor", "poor", "fair", "average", "good", "very good", "excellent"),
    ("fair", "good", "very good", "premium", "ideal"),
    ("none", "mild", "moderate", "severe"),
    ("xxs", "xs", "s", "m", "l", "xl", "xxl"),
    ("tiny", "small", "medium", "large", "huge"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    *(
        tuple(name[:letters] for name in names)
        for letters in (3, 99)
        for names in (
            (
                *("january", "february", "march", "april", "may", "june", "july", "august"),
                *("september", "october", "november", "december"),
            ),
        )
    ),
    ("winter", "spring", "summer", "autumn"),
    ("first", "second", "third", "fourth"),
)
"""Orders that words have, in small letters."""


@dataclass(slots=True)
class Inferred:
    """The inferred kind of a column.

    ``values`` are its numbers or codes, NaN where a cell is missing or not a value; ``left_out`` is
    the reason why it cannot be a feature, and is empty if it can.
    """

    name: str
    kind: Kind
    values: NDArray[np.float64]
    missing: int = 0
    categories: tuple[str, ...] = ()
    has_rare: bool = False
    decimals: int = 0
    left_out: str = ""
    notes: list[str] = field(default_factory=list)


def infer(name: str, cells: Sequence[str], *, decimal: str = ".") -> Inferred:
    """Infer what a column is from its trimmed cells."""
    present = [cell for cell in cells if cell and not MISSING.fullmatch(cell)]
    missing = len(cells) - len(present)
    times = Counter(present)
    if len(times) <= 1:
        what = f"all its values are {present[0]!r}" if present else "all its cells are blank"
        return Inferred(name, "number", _nothing(cells), missing, left_out=what)
    words = {text.lower() for text in times}
    values = {BOOLEANS.get(word) for word in words}
    if values == {0.0, 1.0}:
        codes = [BOOLEANS.get(cell.lower(), np.nan) for cell in cells]
        return Inferred(name, "boolean", np.array(codes), missing)
    numbers = np.array([_float(cell, decimal) for cell in cells])
    bad = len(present) - int(np.isfinite(numbers).sum())
    if bad <= _MOST_BAD * len(present):
        return _numbers(name, present, numbers, missing, bad)
    return _texts(name, cells, times, missing)


def _nothing(cells: Sequence[str]) -> NDArray[np.float64]:
    return np.full(len(cells), np.nan)


def _float(cell: str, decimal: str) -> float:
    number = number_of(cell, decimal) if cell else None
    return np.nan if number is None or not np.isfinite(number) else number


def _numbers(
    name: str, present: Sequence[str], numbers: NDArray[np.float64], missing: int, bad: int
) -> Inferred:
    there = numbers[np.isfinite(numbers)]
    is_whole = bool((there % 1 == 0).all())
    fractions = [re.split(r"[.,]", cell)[-1] for cell in present if re.search(r"[.,]\d", cell)]
    inferred = Inferred(
        name,
        "integer" if is_whole else "number",
        numbers,
        missing,
        decimals=max((len(re.match(r"\d*", one)[0]) for one in fractions), default=0),  # type: ignore[index]
    )
    if bad:
        odd = next(cell for cell in present if not np.isfinite(_float(cell, ".")))
        inferred.notes.append(f"{bad:,} cells are not numbers, such as {odd!r}: their rows are bad")
    if is_whole and len(np.unique(there)) == len(there) > _LEAST_TIMES:
        steps = np.diff(there)
        if np.ptp(there) == len(there) - 1 or (steps > 0).all() or _ID_NAME.fullmatch(name):
            inferred.left_out = "it numbers the rows"
    elif is_whole and _ID_NAME.fullmatch(name) and len(np.unique(there)) > len(there) / 2:
        inferred.left_out = "it is an identifier"
    return inferred


def _texts(name: str, cells: Sequence[str], times: Counter[str], missing: int) -> Inferred:
    size = times.total()
    reason = ""
    if sum(count for text, count in times.items() if _DATE.fullmatch(text)) > size * 0.9:
        reason = (
            "it is a date as text, and no feature; if time matters, add columns of numbers to "
            "the file, such as year, month and day of the week"
        )
    elif sum(count for text, count in times.items() if _MONEY.fullmatch(text)) > size * 0.9:
        reason = "its numbers have a currency or percent sign: take it out of the file"
    elif len(times) > MOST_CATEGORIES and _ID_NAME.fullmatch(name):
        reason = f"it is an identifier: {len(times):,} different texts"
    elif len(times) == size:
        reason = "each row has a different text: it is an identifier, or free text"
    elif len(times) > max(_MOST_DIFFERENT * size, _LEAST_TIMES):
        reason = f"it has {len(times):,} different texts in {size:,} rows"
    if reason:
        return Inferred(name, "category", _nothing(cells), missing, left_out=reason)
    frequent = [text for text, count in times.most_common() if count >= _LEAST_TIMES]
    categories = in_order(frequent[:MOST_CATEGORIES])
    inferred = Inferred(
        name,
        "category",
        _codes(cells, categories),
        missing,
        categories=categories,
        has_rare=len(categories) < len(times),
    )
    rare = [text for text, count in times.items() if count < _LEAST_TIMES]
    if rare:
        shown = ", ".join(repr(text) for text in rare[:_SHOWN]) + (
            ", …" if len(rare) > _SHOWN else ""
        )
        inferred.notes.append(f"categories with one row ({shown}) are read as other")
    if len(frequent) > MOST_CATEGORIES:
        hidden = len(frequent) - MOST_CATEGORIES
        inferred.notes.append(f"its {hidden:,} rarest of {len(frequent):,} categories are other")
    folded = Counter(text.casefold() for text in categories)
    alike = [text for text in categories if folded[text.casefold()] > 1]
    if alike:
        inferred.notes.append(f"{', '.join(map(repr, alike[:4]))} differ by case only")
    return inferred


def _codes(cells: Sequence[str], categories: tuple[str, ...]) -> NDArray[np.float64]:
    code = {text: float(number) for number, text in enumerate(categories)}
    return np.array([code.get(cell, np.nan) for cell in cells])


def in_order(texts: Sequence[str]) -> tuple[str, ...]:
    """Return categories in the order that their words or numbers have, else by alphabet."""
    lower = [text.casefold() for text in texts]
    for scale in _SCALES:
        if len(texts) > 1 and set(lower) <= set(scale) and len(set(lower)) == len(lower):
            return tuple(sorted(texts, key=lambda text: scale.index(text.casefold())))
    return tuple(sorted(texts, key=_natural))


def _natural(text: str) -> tuple[float, str]:
    first = re.match(r"[<>≤≥+-]?\s*(\d+(\.\d+)?)", text)
    return (float(first[1]) if first else float("inf"), text)
