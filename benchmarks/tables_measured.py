"""The model of this process's subject against scikit-learn's, on a random fifth of the rows."""

from typing import IO, Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from housing.schema import CANONICAL_COLUMNS, FEATURES
from housing.subject import Column
from retrain.training.dataset.rows import Rows, Values
from retrain.training.graph.export import export
from retrain.training.graph.parity import check_parity
from retrain.training.model.baseline import baseline_errors
from retrain.training.model.engines import EngineName
from retrain.training.model.evaluation import evaluate, score
from retrain.training.model.fit import fit
from retrain.training.model.metric import ERROR, IS_CLASSIFICATION, error
from retrain.training.settings import TrainingSettings


def canonical(table: IO[bytes]) -> Values:
    """Return the canonical rows of a CSV."""
    read = pd.read_csv(table)
    return np.column_stack([_numbers(read[column.name], column) for column in CANONICAL_COLUMNS])


def _numbers(texts: Any, column: Column) -> Values:
    if column.kind == "category":
        texts = texts.map({text: code for code, text in enumerate(column.categories)})
    elif column.kind == "boolean":
        texts = texts == "Yes"
    numbers: Values = texts.to_numpy(np.float64)
    return numbers


def measured_split(values: Values, engine: EngineName, seed: int) -> dict[str, float]:
    """Measure both on a random fifth; both are fitted on the others, with as many trees."""
    order = np.random.default_rng(seed).permutation(len(values))
    held, fitting = (Rows.of(values[part]) for part in np.split(order, [len(values) // 5]))
    settings = TrainingSettings(bucket="none", tracking_uri="http://none.test", engine=engine)
    fitted = fit(fitting, settings.recipe())
    model = export(fitted)
    limits = {"worst": settings.parity_worst, "p99": settings.parity_p99}
    check_parity(model, fitted, Rows.of(values).features, **limits)
    measured = evaluate(score(model, held.features), held.prices)
    theirs = _of_scikit_learn(fitting, held, settings.iterations)
    baselines = baseline_errors(fitting, held)
    *_, linear = baselines.values()
    return {
        "error": measured[ERROR],
        "scikit-learn's, as many trees": theirs,
        "ratio": measured[ERROR] / theirs,
        "scikit-learn's, its own options": _of_scikit_learn(fitting, held, None),
        "linear or logistic regression": linear,
        "coverage, or calibration error": measured["ece" if IS_CLASSIFICATION else "coverage"],
    }


def _of_scikit_learn(fitting: Rows, held: Rows, trees: int | None) -> float:
    kind = HistGradientBoostingClassifier if IS_CLASSIFICATION else HistGradientBoostingRegressor
    more = {"max_iter": trees} if trees else {}
    model = kind(
        categorical_features=[column.kind == "category" for column in FEATURES],
        early_stopping=False,
        random_state=0,
        **more,
    )
    with threadpool_limits(1):
        model.fit(fitting.features, fitting.prices)
        if IS_CLASSIFICATION:
            return error(model.predict_proba(held.features)[:, 1], held.prices)
        return error(model.predict(held.features), held.prices)
