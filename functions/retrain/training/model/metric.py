"""The error by which models are judged: RMSE of a regression, log loss of a classification."""

import numpy as np

from housing.schema import SUBJECT
from retrain.training.dataset.rows import Values

IS_CLASSIFICATION = SUBJECT.task == "classification"
ERROR = "log_loss" if IS_CLASSIFICATION else "rmse"
"""Name of the error in metrics, tags and verdicts."""
ERROR_TITLE = "log loss" if IS_CLASSIFICATION else "RMSE"
"""The same in a sentence."""
_LEAST_PROBABILITY = 1e-7  # a float32 next to 1 is 1.2e-7 below it


def losses(predicted: Values, truth: Values) -> Values:
    """Return the loss of each row, ``[n]``: the squared error, or the negative log likelihood."""
    if not IS_CLASSIFICATION:
        squared: Values = (predicted - truth) ** 2
        return squared
    likely = np.where(truth > 0, predicted, 1 - predicted)
    negative: Values = -np.log(np.clip(likely, _LEAST_PROBABILITY, 1.0))
    return negative


def error_of_mean(loss: Values) -> Values:
    """Return the error of a mean loss."""
    return loss if IS_CLASSIFICATION else np.sqrt(loss)


def error(predicted: Values, truth: Values) -> float:
    """Return the error of predictions."""
    mean: Values = np.mean(losses(predicted, truth), keepdims=True)
    return error_of_mean(mean).item()
