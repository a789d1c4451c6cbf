"""The model of a classification: the calibrated mean of boosted classifiers' scores.

A classifier that fits the training rows too well is too sure of others. Its scores of rows that it
was not fitted on are mapped to probabilities by a logistic curve (J. Platt, "Probabilistic outputs
for support vector machines", Advances in Large Margin Classifiers, 1999).
"""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from retrain.training.dataset.rows import Values
from retrain.training.model.engines import EngineName, engine_of
from retrain.training.model.families.average import Averaged
from retrain.training.model.regressor import in_pieces
from retrain.training.model.tensor_ops import Floats, NumpyOps, Tensor, TensorOps

_MOST_LOGIT = 15.0
"""Bound of the logit: beyond it, a float32 next to 1 is no probability any more."""


class AveragedClassifier(ClassifierMixin, Averaged):  # type: ignore[misc]  # sklearn has no types
    """The mean score of some classifiers, and the curve that makes it a probability.

    It is not calibrated by its fit.
    """

    def __init__(self, one: Any, *, models: int, engine: EngineName) -> None:
        self.one = one
        self.models = models
        self.engine = engine

    def _learn(self, _targets: Values) -> None:
        self.classes_ = np.array([0.0, 1.0])
        self.slope_, self.shift_ = 1.0, 0.0

    def calibrate(self, probabilities: Values, targets: Values) -> None:
        """Fit the curve.

        Args:
            probabilities: Out-of-fold predictions of a model that is not calibrated, ``[n]``.
            targets: The true classes.
        """
        logits = np.log(probabilities / (1 - probabilities))[:, np.newaxis]
        curve = LogisticRegression(C=np.inf).fit(logits, targets)
        self.slope_ = max(0.0, float(curve.coef_[0, 0]))
        if self.slope_:
            self.shift_ = float(curve.intercept_[0])
        else:  # the scores say nothing
            self.shift_ = float(np.log(targets.mean() / (1 - targets.mean())))

    def predict(self, features: Floats) -> Values:
        """Return probabilities of the class 1, ``[n]``."""
        check_is_fitted(self, "averaged_")
        return in_pieces(self._probabilities, features)

    def _probabilities(self, features: Floats) -> Values:
        engine = engine_of(self.engine)
        scores = np.mean([engine.scores(one, features) for one in self.averaged_], axis=0)
        probabilities: Values = self.bounded(NumpyOps(), scores)
        return probabilities

    def bounded(self, ops: TensorOps, scores: Tensor) -> Tensor:
        """Return the probabilities of mean scores, in arrays or in a graph."""
        logits = ops.clip(scores * self.slope_ + self.shift_, -_MOST_LOGIT, _MOST_LOGIT)
        return 1.0 / (ops.exp(logits * -1.0) + 1.0)
