"""Generate rows of any subject: values within its usual ranges, and a target that follows them."""

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from housing.schema import CANONICAL_HEADER, FEATURES, SUBJECT, TARGET
from housing.subject import Column

Floats = NDArray[np.float64]

_UNBOUNDED = 1e11
_MISSING_SHARE = 0.03
_NOISE = 0.25
_STEEP = 3.0


def generate(rows: int, seed: int) -> pd.DataFrame:
    """Draw rows with the canonical header, as an upload has them.

    Features are independent. The target is a sum of an effect of each, and noise; the effects
    depend on the subject's name alone, so that a second sample adds to the first.
    """
    rng = np.random.default_rng(seed)
    digest = hashlib.sha256(SUBJECT.name.encode()).digest()
    truth = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    score = rng.normal(0, _NOISE, rows)
    columns: dict[str, object] = {}
    for column in FEATURES:
        values, height = _drawn(column, rng, rows)
        levels = len(column.categories) or 2
        effects = truth.uniform(0, 1, levels) if column.kind == "category" else np.array([0, 1])
        effect = np.interp(height, np.linspace(0, 1, len(effects)), effects)
        score += truth.choice([-1, 1]) * truth.uniform(0.3, 1) * (effect - effect.mean())
        columns[column.name] = _as_text(column, values, rng)
    columns[TARGET.name] = _target(score, rng)
    return pd.DataFrame(columns, columns=list(CANONICAL_HEADER))


def _drawn(column: Column, rng: np.random.Generator, rows: int) -> tuple[Floats, Floats]:
    """Draw a column's values, and where each lies between its smallest and largest, 0 … 1."""
    if column.kind in {"category", "boolean"}:
        levels = len(column.categories) if column.kind == "category" else 2
        codes = rng.integers(0, levels, rows).astype(np.float64)
        return codes, codes / max(levels - 1, 1)
    smallest, largest = _range(column)
    height = rng.random(rows)
    return _rounded(column, smallest + height * (largest - smallest)), height


def _range(column: Column) -> tuple[float, float]:
    """Return a column's usual range, or one around its example where it has none."""
    smallest = max(column.usual_minimum, column.minimum)
    largest = min(column.usual_maximum, column.maximum)
    around = max(abs(column.example), 1.0)
    if smallest < -_UNBOUNDED:
        smallest = column.example - around
    if largest > _UNBOUNDED:
        largest = column.example + around
    return smallest, largest


def _rounded(column: Column, values: Floats) -> Floats:
    decimals = 0 if column.kind == "integer" else 4
    if column.kind == "number" and column.tolerance:
        decimals = max(0, round(-np.log10(2 * column.tolerance)))
    rounded: Floats = np.clip(np.round(values, decimals), column.minimum, column.maximum)
    return rounded


def _as_text(column: Column, values: Floats, rng: np.random.Generator) -> object:
    """Return values as a file has them: categories by name, some optional ones missing."""
    is_missing = column.optional & (rng.random(len(values)) < _MISSING_SHARE)
    if column.kind == "category":
        texts = np.array([*column.categories, ""], dtype=object)
        return texts[np.where(is_missing, len(texts) - 1, values).astype(int)]
    if column.kind in {"integer", "boolean"}:
        return pd.array(np.where(is_missing, np.nan, values), dtype="Int64")
    return np.where(is_missing, np.nan, values)


def _target(score: Floats, rng: np.random.Generator) -> object:
    height = 1 / (1 + np.exp(-_STEEP * score))
    if SUBJECT.task == "classification":
        return (rng.random(len(score)) < height).astype(int)
    smallest, largest = _range(TARGET)
    values = _rounded(TARGET, smallest + height * (largest - smallest))
    return values.astype(np.int64) if TARGET.kind == "integer" else values
