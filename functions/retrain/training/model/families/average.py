"""The model of rows without a place: the mean of boosted regressors of different seeds."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from retrain.training.dataset.rows import Values
from retrain.training.model.regressor import fitted, in_pieces
from retrain.training.model.tensor_ops import Floats, NumpyOps, Tensor, TensorOps
from retrain.training.model.workers import InThisProcess, TaskRunner

FEW_ROWS = 2_000
"""Under so many fitted rows, large trees learn chance."""


class Averaged(BaseEstimator):  # type: ignore[misc]  # sklearn has no types
    """Boosted models that differ by their seed; a model of it is made of their mean."""

    one: Any
    """The estimator that copies are fitted of."""
    models: int

    def fit(self, features: Floats, targets: Values) -> Self:
        """Fit all on all rows."""
        self.start_fit(features, targets, InThisProcess())()
        return self

    def start_fit(
        self, features: Floats, targets: Values, workers: TaskRunner
    ) -> Callable[[], None]:
        """Start to fit; return a function that waits for the end."""
        self.n_features_in_ = features.shape[1]
        self._learn(targets)
        one = self._of(len(targets))
        seed = one.random_state or 0
        parts = [
            workers.start(
                fitted, clone(one).set_params(random_state=seed + number), features, targets
            )
            for number in range(self.models)
        ]

        def end() -> None:
            self.averaged_ = [part.get() for part in parts]

        return end

    def _learn(self, targets: Values) -> None:
        """Keep what the answers need of the fitted targets."""
        raise NotImplementedError

    def _of(self, _rows: int) -> Any:
        """Return the estimator for so many rows."""
        return self.one


class AveragedRegressor(RegressorMixin, Averaged):  # type: ignore[misc]  # sklearn has no types
    """The mean of some regressors, within the range of the fitted targets.

    Of under ``FEW_ROWS`` rows it is made of other, smaller ones.
    """

    def __init__(self, one: Any, *, of_few: Any, models: int) -> None:
        self.one = one
        self.of_few = of_few
        self.models = models

    def _learn(self, targets: Values) -> None:
        self.least_, self.most_ = float(targets.min()), float(targets.max())

    def _of(self, rows: int) -> Any:
        return self.of_few if rows < FEW_ROWS else self.one

    def predict(self, features: Floats) -> Values:
        """Return predictions, ``[n]``."""
        check_is_fitted(self, "averaged_")
        return in_pieces(self._mean, features)

    def _mean(self, features: Floats) -> Values:
        mean = np.mean([model.predict(features) for model in self.averaged_], axis=0)
        bounded: Values = self.bounded(NumpyOps(), mean)
        return bounded

    def bounded(self, ops: TensorOps, mean: Tensor) -> Tensor:
        """Return means within the range of the fitted targets, in arrays or in a graph."""
        return ops.clip(mean, self.least_, self.most_)
