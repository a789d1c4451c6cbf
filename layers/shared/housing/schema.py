"""The columns of this process's subject, and what follows from them.

``HOUSING_SUBJECT`` names the subject; a process has one, from its start to its end. Requests, the
check of uploaded CSVs, documents and samples derive from it.
"""

import os

from housing.subject import Cap, Column, Geography, OtherHeader, Scaled, load
from housing.subject_check import check
from subjects import DEFAULT

_NAME = os.environ.get("HOUSING_SUBJECT") or DEFAULT
FOLDER = f"subjects.{_NAME}"
"""The subject's package."""
SUBJECT = load(_NAME)
check(SUBJECT)
SCHEMA_VERSION = SUBJECT.schema_version
FEATURES: tuple[Column, ...] = SUBJECT.features
TARGET: Column = SUBJECT.target
CAP: Cap | None = SUBJECT.cap
SCALED: Scaled | None = SUBJECT.scaled
GEOGRAPHY: Geography | None = SUBJECT.geography
REPEATS: bool = SUBJECT.repeats
"""Whether rows with equal features are rows of their own."""
HEADERS: tuple[OtherHeader, ...] = SUBJECT.headers
ERROR = "log_loss" if SUBJECT.task == "classification" else "rmse"
"""The metric by which models are compared; lower is better."""
ANSWER = "probability" if SUBJECT.task == "classification" else SUBJECT.output
"""Name of the predicted value in the graph and in the log of predictions."""
PLACE: tuple[str, ...] = GEOGRAPHY.place if GEOGRAPHY else ()
"""Columns of latitude and longitude; empty where rows have no place."""
SAME_SHARE = 5.05e-4
"""Share of a value that four significant digits may round off, a hair more.

Tolerances are in proportion: ``%.2f`` moves a value by .005 at most, a quotient that is rounded
and made whole again by .01, and a whole number is itself.
"""
INTERVAL_COVERAGE = 0.9
"""Share of true values that an interval holds. Answers name it (``interval_90``), and the alarms on
too low a coverage are set for it: it is a part of the contract, not a setting."""

FEATURE_NAMES: tuple[str, ...] = tuple(column.name for column in FEATURES)
CANONICAL_COLUMNS: tuple[Column, ...] = (*FEATURES, TARGET)
CANONICAL_HEADER: tuple[str, ...] = tuple(column.name for column in CANONICAL_COLUMNS)


def amount(target: float) -> str:
    """Return a target as a person reads it, in the second unit where there is one."""
    if SCALED:
        return f"{SCALED.sign}{target * SCALED.factor:,.0f}"
    return f"{target:,.4g} {TARGET.unit}".rstrip()


def in_unit() -> str:
    """Return ", in " and the target's unit; nothing without one."""
    return f", in {TARGET.unit}" if TARGET.unit else ""
