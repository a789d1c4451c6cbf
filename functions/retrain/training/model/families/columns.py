"""Features of rows without a place: the columns themselves, and ratios of them.

A category is its place in the subject's list, which is an order where it has one, and a column for
each of its levels; the levels of a long list have one column instead: the mean target of the level,
cross-fitted. A missing number is a value below all others, beside a column that says so.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import TargetEncoder
from sklearn.utils.validation import check_is_fitted

from housing.schema import FEATURE_NAMES, FEATURES, SUBJECT
from housing.subject import Column
from retrain.training.dataset.rows import Values
from retrain.training.model.tensor_ops import Floats, NumpyOps, Tensor, TensorOps

MOST_LEVELS = 20
"""Levels of a category up to which each has a column."""
_FOLDS = 5
_MISSING_RATIO = np.float32(-1e30)
_LARGEST_RATIO = 1e29
_CATEGORIES = [place for place, one in enumerate(FEATURES) if one.kind == "category"]
_LONG = [place for place in _CATEGORIES if len(FEATURES[place].categories) > MOST_LEVELS]
_TARGET_TYPE = {"regression": "continuous", "classification": "binary"}


def missing_code(column: Column) -> int:
    """Return the code of a category's missing value; the one before it is that of *other*."""
    return column.other + 1


def coded(rows: Floats) -> list[Floats]:
    """Return the columns of canonical rows, ``[n, 1]`` each; missing categories are coded."""
    return [
        np.where(np.isnan(values), np.float32(missing_code(column)), values)
        if column.kind == "category"
        else values
        for column, values in zip(FEATURES, np.hsplit(rows, len(FEATURES)), strict=True)
    ]


def column_names() -> list[str]:
    """Return the names of the features."""
    names: list[str] = []
    for column in FEATURES:
        names.append(column.name)
        if column.kind == "category":
            names += _level_names(column)
        elif column.optional:
            names.append(f"{column.name} is missing")
    return [*names, *(ratio.name for ratio in SUBJECT.ratios)]


def column_features(
    ops: TensorOps, columns: Sequence[Tensor], means: Sequence[Tensor | Floats]
) -> Tensor:
    """Return the features, float32 ``[n, f]``, in the order of ``column_names``.

    Args:
        ops: Evaluates the formulas or adds them to a graph.
        columns: Columns as of ``coded``.
        means: Of each long category, the rows' mean target of the level, ``[n, 1]``.
    """
    features: list[Tensor] = []
    long = iter(means)
    for place, (column, values) in enumerate(zip(FEATURES, columns, strict=True)):
        if column.kind == "category":
            features.append(values)
            features.append(next(long) if place in _LONG else _levels(ops, values, column))
        elif column.optional:
            is_missing = ops.isnan(values)
            features.append(ops.where(is_missing, _below(column), values))
            features.append(ops.astype(is_missing, np.float32))
        else:
            features.append(values)
    for ratio in SUBJECT.ratios:
        dividend, divisor = (
            columns[FEATURE_NAMES.index(name)] for name in (ratio.dividend, ratio.divisor)
        )
        features.append(_ratio(ops, dividend, divisor))
    return ops.concat(features, axis=1)


def level_means(ops: TensorOps, columns: Sequence[Tensor], tables: Sequence[Floats]) -> list[Any]:
    """Return the mean targets of the rows' levels by tables, ``[n, 1]`` each."""
    return [
        ops.take(table, ops.astype(columns[place], np.int64), axis=0)
        for place, table in zip(_LONG, tables, strict=True)
    ]


def _levels(ops: TensorOps, codes: Tensor, column: Column) -> Tensor:
    codes_of_levels = np.array([code for code, _ in _own_levels(column)], np.float32)
    return ops.astype(ops.equal(codes, codes_of_levels[np.newaxis]), np.float32)


def _own_levels(column: Column) -> list[tuple[int, str]]:
    """Return code and name of each level that has a column."""
    levels = list(enumerate(column.categories))
    if column.unknown == "other":
        levels.append((column.other, "another"))
    if column.optional:
        levels.append((missing_code(column), "missing"))
    return levels


def _level_names(column: Column) -> list[str]:
    if len(column.categories) > MOST_LEVELS:
        return [f"mean of {column.name}"]
    return [f"{column.name} is {name}" for _, name in _own_levels(column)]


def _below(column: Column) -> np.float32:
    """Return a number below the column's smallest."""
    return np.float32(column.minimum - max(1.0, abs(column.minimum)))


def _ratio(ops: TensorOps, dividend: Tensor, divisor: Tensor) -> Tensor:
    """Divide; a quotient by zero or of a missing value has a value below all others."""
    nothing = np.float32(np.nan)
    quotient = dividend / ops.where(ops.equal(divisor, np.float32(0)), nothing, divisor)
    bounded = ops.clip(quotient, -_LARGEST_RATIO, _LARGEST_RATIO)
    return ops.where(ops.isnan(quotient), _MISSING_RATIO, bounded)


class ColumnFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no types
    """The transformer of ``column_features``: canonical rows in, float32 ``[n, m]``."""

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, rows: Floats, targets: Values) -> Self:
        """Learn the mean targets of the levels of long categories."""
        self.fit_transform(rows, targets)
        return self

    def fit_transform(self, rows: Floats, targets: Values) -> Floats:
        """Return the features of the training rows; no row's mean target is of its own fold."""
        self.n_features_in_ = rows.shape[1]
        columns, means = coded(rows), []
        self.tables_: list[Floats] = []
        for place in _LONG:
            encoder = TargetEncoder(target_type=_TARGET_TYPE[SUBJECT.task], cv=self._folds())
            means.append(encoder.fit_transform(columns[place], targets).astype(np.float32))
            codes = np.arange(missing_code(FEATURES[place]) + 1, dtype=np.float32)
            self.tables_.append(encoder.transform(codes[:, np.newaxis]).ravel().astype(np.float32))
        return _evaluated(columns, means)

    def _folds(self) -> KFold | StratifiedKFold:
        kind = StratifiedKFold if SUBJECT.task == "classification" else KFold
        return kind(_FOLDS, shuffle=True, random_state=self.seed)

    def transform(self, rows: Floats) -> Floats:
        """Return the features, float32 ``[n, f]``."""
        check_is_fitted(self, "tables_")
        columns = coded(rows)
        return _evaluated(columns, level_means(NumpyOps(), columns, self.tables_))

    def get_feature_names_out(self, _names: object = None) -> NDArray[np.object_]:
        """Return the names of the columns."""
        return np.array(column_names(), dtype=object)


def _evaluated(columns: Sequence[Floats], means: Sequence[Floats]) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):
        features: Floats = column_features(NumpyOps(), columns, means)
    return features
