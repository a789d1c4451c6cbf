"""The model of rows without a place: the mean of boosted regressors of different seeds."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from retrain.training.dataset.rows import Values
from retrain.training.model.regressor import fitted, in_pieces
from retrain.training.model.tensor_ops import Floats, NumpyOps, Tensor, TensorOps
from retrain.training.model.workers import InThisProcess, TaskRunner


class AveragedRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no types
    """The mean of some regressors, within the range of the fitted targets."""

    def __init__(self, regressor: Any, *, models: int) -> None:
        self.regressor = regressor
        self.models = models

    def fit(self, features: Floats, targets: Values) -> Self:
        """Fit all on all rows."""
        self.start_fit(features, targets, InThisProcess())()
        return self

    def start_fit(
        self, features: Floats, targets: Values, workers: TaskRunner
    ) -> Callable[[], None]:
        """Start to fit; return a function that waits for the end."""
        self.n_features_in_ = features.shape[1]
        self.least_, self.most_ = float(targets.min()), float(targets.max())
        parts = started(self.regressor, self.models, features, targets, workers)

        def end() -> None:
            self.averaged_ = [part.get() for part in parts]

        return end

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


def started(
    model: Any, count: int, features: Floats, targets: Values, workers: TaskRunner
) -> Sequence[Any]:
    """Start to fit copies of a model that differ by their seed; return the tasks."""
    seed = model.random_state or 0
    return [
        workers.start(
            fitted, clone(model).set_params(random_state=seed + number), features, targets
        )
        for number in range(count)
    ]
