"""Bins of scikit-learn's trees, made a piece at a time.

``HistGradientBoosting`` copies its rows as float64 before it makes bins of one byte each. Here the
copy is of a few rows at a time, and of the sample that the bins' edges are chosen by: the bins are
the same to the bit, as a float32 is exactly a float64. Two methods are private to scikit-learn;
their names and arguments are those of version 1.9.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from retrain.training.dataset.mapped import pieces


class BinnedInPieces:
    """Mixed into a ``HistGradientBoosting`` estimator without categories."""

    def _preprocess_X(self, X: Any, *, reset: bool) -> Any:  # noqa: N802, N803 - scikit-learn's
        if not reset:
            return super()._preprocess_X(X, reset=False)  # type: ignore[misc]
        self.is_categorical_ = self._preprocessor = self._is_categorical_remapped = None
        types = [np.float64, np.float32]
        return validate_data(self, X, dtype=types, ensure_all_finite=False), None

    def _bin_data(
        self,
        X: NDArray[Any],  # noqa: N803 - scikit-learn's
        sample_weight: Any,  # noqa: ARG002 - none are given
        is_training_data: bool,  # noqa: ARG002, FBT001 - there are no others
    ) -> NDArray[np.uint8]:
        mapper: Any = self._bin_mapper  # type: ignore[attr-defined]
        most = mapper.subsample
        if len(X) <= most:
            mapper.fit(X)
        else:  # the rows that it would draw, before it copies the others
            drawn = check_random_state(mapper.random_state).choice(len(X), most, replace=True)
            mapper.fit(X.take(drawn, axis=0))
        binned = np.empty(X.shape, np.uint8, order="F")
        for piece in pieces(X):
            binned[piece] = mapper.transform(X[piece])
        return binned
