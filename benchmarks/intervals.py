"""The interval as it was: as wide as the mean error, with one coverage for all bands of price.

Papadopoulos and Haralambous (2011) scale by the expected error itself; the training job scales by
the exponential of its expected logarithm and asks for more coverage where houses are dear.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from housing.schema import INTERVAL_COVERAGE
from retrain.training.dataset.rows import Rows, Values
from retrain.training.model.engines import engine_of
from retrain.training.model.evaluation import Predictions
from retrain.training.model.fit import FEATURES, Fitted, pipeline_of, scale_options, start_folds
from retrain.training.model.interval import TAKEN_OFF, Interval, conformal_quantile, folds_of
from retrain.training.model.recipe import Recipe
from retrain.training.model.tensor_ops import Floats
from retrain.training.model.workers import InThisProcess

_FOLDS = 5
_BANDS = 4
_SMALLEST = 0.03
_TAIL = (1 + INTERVAL_COVERAGE) / 2


def scaled_by_mean_error(
    fitted: Fitted, fitting: Rows, prices: Values, held: Rows, recipe: Recipe
) -> Predictions:
    """Put intervals of that kind around predicted prices.

    Args:
        fitted: The model.
        fitting: The rows that it was fitted on.
        prices: Its predictions of the held-out rows.
        held: The held-out rows.
        recipe: How it was fitted.
    """
    out_of_fold = start_folds(pipeline_of(recipe), fitting, recipe, InThisProcess())
    features, predicted = out_of_fold(lambda _: None)
    inputs = np.column_stack([features, predicted]).astype(np.float32)
    errors = fitting.prices - predicted
    scale = engine_of(recipe.engine).regressor(scale_options(recipe))
    expected = np.empty(len(errors))
    for fold, others in folds_of(len(errors), _FOLDS, recipe.seed):
        one = clone(scale).fit(inputs[others], np.abs(errors[others]))
        expected[fold] = one.predict(inputs[fold])
    quotients = errors / expected.clip(_SMALLEST)
    edges = np.quantile(predicted, np.linspace(0, 1, _BANDS + 1)[1:-1])
    band = np.searchsorted(edges, predicted, side="left")
    groups = [quotients[band == number] for number in range(_BANDS)]
    assert fitted.interval  # noqa: S101 - for mypy: prices have one
    interval = Interval(
        scale=_Logarithm(clone(scale).fit(inputs, np.abs(errors))),
        edges=edges,
        below=np.array([conformal_quantile(-group, _TAIL) for group in groups]),
        above=np.array([conformal_quantile(group, _TAIL) for group in groups]),
        dearest=fitted.interval.dearest,
    )
    asked = fitted.pipeline[FEATURES].transform(held.features)
    return Predictions(prices, *interval.around(asked, prices))


@dataclass(frozen=True, slots=True)
class _Logarithm:
    """A regressor as ``Interval`` wants its scale: it takes the exponential, and ``TAKEN_OFF``."""

    regressor: Any

    def predict(self, inputs: Floats) -> Values:
        """Return the logarithm of what the regressor predicts, ``[n]``."""
        log_errors: Values = np.log(self.regressor.predict(inputs).clip(_SMALLEST) + TAKEN_OFF)
        return log_errors
