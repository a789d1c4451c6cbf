"""The model: boosted trees with neighbour features, blended with trees without them."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from retrain.training.dataset.mapped import pieces
from retrain.training.dataset.rows import Values
from retrain.training.model.tensor_ops import Floats, NumpyOps, Tensor, TensorOps
from retrain.training.model.workers import InThisProcess, TaskRunner

_LEAST_WAY_KM = 1.0


def fitted(model: Any, features: Floats, prices: Values) -> Any:
    """Fit a regressor and return it."""
    return model.fit(features, prices)


def in_pieces(predict: Callable[[Floats], Values], features: Floats) -> Values:
    """Return the predictions of n rows, a piece at a time: libraries copy rows as float64."""
    predicted = np.empty(len(features))
    for piece in pieces(features):
        predicted[piece] = predict(features[piece])
    return predicted


class GatedRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no types
    """Blends two regressors by the distance to the nearest training row; the first is an average.

    Near training rows, neighbouring prices are the best features. In a region without any, they and
    coordinates mislead; there a regressor on features that mean the same everywhere takes over.
    """

    def __init__(  # noqa: PLR0913 - a model's parameters, given by name
        self,
        near: Any,
        far: Any,
        *,
        models: int,
        far_columns: Sequence[int],
        distance_column: int,
        known_share: float,
    ) -> None:
        self.near = near
        self.models = models
        self.far = far
        self.far_columns = far_columns
        self.distance_column = distance_column
        self.known_share = known_share

    def fit(self, features: Floats, prices: Values) -> Self:
        """Fit both on all rows; the highest training price bounds every prediction.

        The first regressor predicts alone up to the distance within which ``known_share`` of the
        rows have their nearest row; the other one alone beyond twice that distance.
        """
        self.start_fit(features, prices, InThisProcess())()
        return self

    def start_fit(
        self, features: Floats, prices: Values, workers: TaskRunner
    ) -> Callable[[], None]:
        """Start to fit; return a function that waits for the end."""
        self.n_features_in_ = features.shape[1]
        seed = self.near.random_state or 0
        # The shortest first: the longer ones then fill the time of two processes evenly.
        travelling = workers.share(features[:, list(self.far_columns)])
        far = workers.start(fitted, clone(self.far), travelling, prices)
        near = [
            workers.start(
                fitted, clone(self.near).set_params(random_state=seed + number), features, prices
            )
            for number in range(self.models)
        ]
        self.dearest_ = float(prices.max())
        distances = features[:, self.distance_column]
        self.begin_km_ = float(np.quantile(distances, self.known_share))
        self.end_km_ = max(2 * self.begin_km_, self.begin_km_ + _LEAST_WAY_KM)

        def end() -> None:
            self.averaged_ = [one.get() for one in near]
            self.far_ = far.get()

        return end

    def predict(self, features: Floats) -> Values:
        """Return prices, ``[n]``, in $100,000."""
        check_is_fitted(self, "averaged_")
        return in_pieces(self._blend, features)

    def _blend(self, features: Floats) -> Values:
        near = np.mean([model.predict(features) for model in self.averaged_], axis=0)[:, np.newaxis]
        far = self.far_.predict(features[:, list(self.far_columns)])[:, np.newaxis]
        blend: Values = self.blended(NumpyOps(), features, near, far).ravel()
        return blend

    def blended(self, ops: TensorOps, features: Tensor, near: Tensor, far: Tensor) -> Tensor:
        """Return the blend of two prices, ``[n, 1]`` each, in arrays or in a graph."""
        kilometres = ops.take(features, [self.distance_column], axis=1)
        way = (kilometres - np.float32(self.begin_km_)) * np.float32(
            1 / (self.end_km_ - self.begin_km_)
        )
        share = ops.clip(way, 0.0, 1.0)
        return ops.clip(near + share * (far - near), 0.0, self.dearest_)
