"""Models that a new one is compared with: the prior, and linear or logistic regression."""

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from housing.schema import FEATURES, GEOGRAPHY
from retrain.training.dataset.rows import Rows, Values
from retrain.training.model.families.columns import missing_code
from retrain.training.model.metric import ERROR, IS_CLASSIFICATION, error

_MOST_STEPS = 1_000
BASELINE = "linear regression" if GEOGRAPHY else "the prior"
"""The first of ``baseline_errors``."""


def baseline_errors(fitting: Rows, holdout: Rows) -> dict[str, float]:
    """Return the errors of the baselines on the hold-out, by name; the first is to be beaten.

    The prior is the mean target, or the share of the label. Among few rows linear regression is
    often as good as any model, and no reason to serve none.
    """
    known, asked = _numbers(fitting, fitting), _numbers(holdout, fitting)
    prior = np.full(len(holdout), fitting.prices.mean())
    if not IS_CLASSIFICATION:
        linear = LinearRegression().fit(known, fitting.prices)
        of_linear = error(linear.predict(asked), holdout.prices)
        if GEOGRAPHY:
            return {f"baseline_{ERROR}": of_linear}
        return {f"baseline_{ERROR}": error(prior, holdout.prices), f"linear_{ERROR}": of_linear}
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_MOST_STEPS))
    probability = logistic.fit(known, fitting.prices).predict_proba(asked)[:, 1]
    return {
        f"baseline_{ERROR}": error(prior, holdout.prices),
        f"logistic_{ERROR}": error(probability, holdout.prices),
    }


def _numbers(rows: Rows, fitting: Rows) -> Values:
    """Return rows as a linear model takes them: levels as columns, missing numbers as the mean."""
    columns: list[Values] = []
    values, known = rows.features.astype(np.float64), fitting.features.astype(np.float64)
    for place, column in enumerate(FEATURES):
        one = values[:, place]
        if column.kind == "category":
            codes = np.where(np.isnan(one), missing_code(column), one)
            columns += [(codes == code) * 1.0 for code in range(1, missing_code(column) + 1)]
        elif column.optional:
            is_missing = np.isnan(one)
            present = known[:, place][~np.isnan(known[:, place])]
            columns += [np.where(is_missing, present.mean() if len(present) else 0.0, one)]
            columns += [is_missing * 1.0]
        else:
            columns.append(one)
    return np.column_stack(columns)
