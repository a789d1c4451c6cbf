"""The 90 % prediction interval, calibrated on out-of-fold errors.

Every row is predicted by a model that was fitted on the other folds (cross-conformal prediction:
V. Vovk, "Cross-conformal predictors", Annals of Mathematics and Artificial Intelligence 74, 2015).
A second model predicts the logarithm of the error, so that a few large errors do not dominate;
errors are divided by it (normalized conformal prediction: H. Papadopoulos and
H. Haralambous, Neural Networks 24, 2011), and quantiles of the quotients are taken by band of
predicted price, separately below and above, so that expensive houses are covered as well as others
(Mondrian conformal prediction: V. Vovk, A. Gammerman and G. Shafer, "Algorithmic Learning in a
Random World", 2005, chapter 4). Expensive houses are often predicted too low: the highest
band gets more than the nominal coverage, the others less.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from housing.schema import SUBJECT, TARGET
from retrain.training.dataset.mapped import pieces, release, taken
from retrain.training.dataset.rows import Values
from retrain.training.errors import TooFewRowsError
from retrain.training.model.regressor import fitted, in_pieces
from retrain.training.model.tensor_ops import Floats, NumpyOps, Tensor, TensorOps
from retrain.training.model.workers import InThisProcess, TaskRunner

_FOLDS = 5
_POWERS = (1.0, 1.2, 1.3, 0.7)
"""Powers of the coverage for each of four bands, the cheapest first.

.9 becomes .900, .881, .872 and .929. Powers scale with the coverage: whether a tenth of the rows or
a hundredth may be outside, 1.2 or 1.3 times as many may be in the second and third band. The mean
power is above 1 because the errors are those of smaller models, fitted on fewer rows.
"""
_ROWS_OF_A_BAND = 100
_OFFSET = 0.05
"""Added to an error before the logarithm, in scales of the target: smaller errors are chance."""
TAKEN_OFF = 0.02
"""Part of the offset that is subtracted after the exponential: a larger one covers isolated rows
better, and widens all intervals."""
_STEEP = 1e6
"""Inverse width, in scales of the target, of the transition from one band to the next."""


def target_scale(targets: Values) -> float:
    """Return the subject's scale of the target, or the standard deviation of some targets."""
    return SUBJECT.scale or float(targets.std()) or 1.0


def floor_of(targets: Values) -> float:
    """Return the lower bound of all limits: 0, or the least target where they can be negative."""
    return 0.0 if TARGET.minimum >= 0 else float(targets.min())


@dataclass(frozen=True, slots=True)
class Interval:
    """Parameters of the interval.

    Attributes:
        scale: Predicts the logarithm of the absolute error from features and price, ``[n, m + 1]``.
        edges: Prices between the bands, ``[b - 1]``, ascending.
        below: Per band, distance of the lower limit below the price, in expected errors.
        above: The same of the upper limit.
        dearest: Upper bound of all limits.
        floor: Lower bound of all limits.
        unit: Scale of the target.
    """

    scale: Any
    edges: Values
    below: Values
    above: Values
    dearest: float
    floor: float = 0.0
    unit: float = 1.0

    def limits(self, ops: TensorOps, price: Tensor, log_size: Tensor) -> tuple[Tensor, Tensor]:
        """Return lower and upper limits, ``[n, 1]`` each, in arrays or in a graph.

        Args:
            ops: Evaluates the formula or adds it to a graph.
            price: The predicted price, ``[n, 1]``.
            log_size: The prediction of ``scale`` for it, ``[n, 1]``.
        """
        least = (_OFFSET - TAKEN_OFF) * self.unit
        size = ops.clip(ops.exp(log_size) - TAKEN_OFF * self.unit, least, self.dearest - self.floor)
        below, above = self._by_band(ops, price, self.below), self._by_band(ops, price, self.above)
        lower = ops.clip(price - below * size, self.floor, self.dearest)
        return lower, ops.clip(price + above * size, self.floor, self.dearest)

    def around(self, features: Floats, prices: Values) -> tuple[Values, Values]:
        """Return lower and upper limits of n prices, ``[n]`` each, by NumPy.

        Args:
            features: Features of the rows, ``[n, m]``.
            prices: The predicted prices.
        """
        lower, upper = np.empty(len(prices)), np.empty(len(prices))
        for piece in pieces(features):
            inputs = _inputs(features[piece], prices[piece])
            log_size = self.scale.predict(inputs)[:, np.newaxis].astype(np.float32)
            limits = self.limits(NumpyOps(), inputs[:, -1:], log_size)
            lower[piece], upper[piece] = (limit.ravel() for limit in limits)
        return lower, upper

    def _by_band(self, ops: TensorOps, price: Tensor, of_band: Values) -> Tensor:
        """Return the value of each price's band: the first one, plus a step at each edge below."""
        if not len(self.edges):
            return np.float32(of_band[0])
        # 0 up to the edge and 1 beyond it, with one formula for arrays and graphs.
        steep = np.float32(_STEEP / self.unit)
        beyond = ops.clip((price - self.edges[np.newaxis].astype(np.float32)) * steep, 0.0, 1.0)
        steps = np.diff(of_band)[:, np.newaxis].astype(np.float32)
        return ops.matmul(beyond, steps) + np.float32(of_band[0])


def calibrated(  # noqa: PLR0913 - rows and options, given by name
    features: Floats,
    predicted: Values,
    prices: Values,
    *,
    coverage: float,
    scale: Any,
    seed: int,
    workers: TaskRunner | None = None,
) -> Interval:
    """Calibrate an interval on out-of-fold predictions of n rows.

    Args:
        features: Out-of-fold features, ``[n, m]``.
        predicted: Out-of-fold predictions.
        prices: The true prices.
        coverage: Nominal coverage.
        scale: Regressor, not fitted, for the logarithm of the error.
        seed: Seed of the folds.
        workers: Fit the regressor, on all rows and for each fold.

    Raises:
        TooFewRowsError: There are too few rows for the coverage.
    """
    dearest, floor, unit = float(prices.max()), floor_of(prices), target_scale(prices)
    errors = prices - predicted
    workers = workers or InThisProcess()
    log_sizes = workers.share(np.log(np.abs(errors) + _OFFSET * unit))
    inputs = workers.empty((len(features), features.shape[1] + 1), np.float32)
    for piece in pieces(features):
        inputs[piece] = _inputs(features[piece], predicted[piece])
        release(inputs)
    folds = list(folds_of(len(prices), _FOLDS, seed))
    parts = [workers.start(_held_out, scale, inputs, log_sizes, *fold) for fold in folds]
    whole = workers.start(fitted, clone(scale), inputs, log_sizes)
    log_expected = np.empty(len(prices))
    for (fold, _), part in zip(folds, parts, strict=True):
        log_expected[fold] = part.get()
    sizes = np.exp(log_expected) - TAKEN_OFF * unit
    expected = sizes.clip((_OFFSET - TAKEN_OFF) * unit, dearest - floor)
    quotients = errors / expected
    edges, band = _bands(predicted, coverage)
    shares = _coverages(coverage, bands=len(edges) + 1)
    tails = [(quotients[band == number], _tail(share)) for number, share in enumerate(shares)]
    return Interval(
        scale=whole.get(),
        edges=edges,
        below=np.array([conformal_quantile(-group, tail) for group, tail in tails]),
        above=np.array([conformal_quantile(group, tail) for group, tail in tails]),
        dearest=dearest,
        floor=floor,
        unit=unit,
    )


def check_enough(count: int, coverage: float) -> None:
    """Check that n rows are enough for a coverage.

    Raises:
        TooFewRowsError: They are not.
    """
    conformal_quantile(np.zeros(count), _tail(coverage))


def _inputs(features: Floats, prices: Values) -> Floats:
    """Return the scale model's features, float32 ``[n, m + 1]``."""
    return np.column_stack([features, prices]).astype(np.float32)


def _bands(predicted: Values, coverage: float) -> tuple[Values, NDArray[np.int64]]:
    """Cut predicted prices into bands of equal size; return the edges and each row's band, ``[n]``.

    There are four bands, or one if a band would have too few rows.
    """
    strictest = _tail(max(_coverages(coverage, bands=len(_POWERS))))
    least = max(_ROWS_OF_A_BAND, math.ceil(2 * strictest / (1 - strictest)))  # twice its quantile's
    edges = np.quantile(predicted, np.linspace(0, 1, len(_POWERS) + 1)[1:-1])
    band = np.searchsorted(edges, predicted, side="left")
    sizes = np.bincount(band, minlength=len(_POWERS))
    if sizes.min() < least:
        return edges[:0], np.zeros(len(band), np.int64)
    return edges, band


def _coverages(coverage: float, *, bands: int) -> list[float]:
    """Return the nominal coverage of each band."""
    return [coverage**power for power in _POWERS] if bands == len(_POWERS) else [coverage]


def _tail(coverage: float) -> float:
    return (1 + coverage) / 2


def conformal_quantile(scores: Values, share: float) -> float:
    """Return the ⌈(n+1)·share⌉-th smallest of n scores, at least 0.

    Raises:
        TooFewRowsError: n is too small for the share.
    """
    rank = math.ceil((len(scores) + 1) * share)
    if rank > len(scores):
        msg = f"{len(scores)} rows are too few for {100 * (2 * share - 1):.4g}% intervals"
        raise TooFewRowsError(msg)
    return max(0.0, float(np.sort(scores)[rank - 1]))


def _held_out(
    scale: Any, inputs: Floats, sizes: Values, fold: NDArray[np.int64], others: NDArray[np.bool_]
) -> Values:
    """Predict the log errors of a fold by a regressor that is fitted on the others."""
    one = clone(scale).fit(taken(inputs, others), sizes[others])
    predicted = in_pieces(one.predict, taken(inputs, ~others))
    return predicted[np.searchsorted(np.sort(fold), fold)]


def folds_of(
    count: int, folds: int, seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
    """Split n rows into random folds; yield the rows of each, and the mask of the others."""
    for fold in np.array_split(np.random.default_rng(seed).permutation(count), folds):
        others = np.ones(count, dtype=bool)
        others[fold] = False
        yield fold, others
