"""Measure a model by slice: nearest city, quarter of the target, capped targets."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from housing.schema import CAP, SUBJECT
from retrain.training.dataset.rows import Rows, Values
from retrain.training.model.evaluation import Predictions, rmse
from retrain.training.model.features import GEOGRAPHY, city_points, points
from retrain.training.model.tensor_ops import NumpyOps

_NEARLY = 0.01


@dataclass(frozen=True, slots=True)
class Slice:
    """Measures of one slice of the held-out rows, in $100,000."""

    name: str
    rows: int
    rmse: float
    coverage: float
    width: float


def slices(predictions: Predictions, held: Rows) -> list[Slice]:
    """Measure each slice that is not empty."""
    return [_measured(name, mask, predictions, held.prices) for name, mask in slice_masks(held)]


def slice_masks(held: Rows) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield name and mask, ``[n]``, of each slice that is not empty."""
    prices = held.prices
    quarter = np.digitize(prices, np.quantile(prices, [0.25, 0.5, 0.75]))
    places = points(NumpyOps(), held.features)
    offsets = places[:, np.newaxis] - city_points()
    nearest = (offsets**2).sum(axis=2).argmin(axis=1)
    parts = [(name, quarter == number) for number, name in enumerate(SUBJECT.quarters)]
    if CAP:
        parts.append((CAP.slice_name, prices > CAP.value - _NEARLY))
    parts += [
        (f"nearest to {city.replace('_', ' ').title()}", nearest == number)
        for number, city in enumerate(GEOGRAPHY.cities)
    ]
    yield from ((name, mask) for name, mask in parts if mask.any())


def _measured(
    name: str, mask: NDArray[np.bool_], predictions: Predictions, prices: Values
) -> Slice:
    price, lower, upper = (
        column[mask] for column in (predictions.price, predictions.lower, predictions.upper)
    )
    truth = prices[mask]
    return Slice(
        name,
        rows=int(mask.sum()),
        rmse=rmse(price, truth),
        coverage=float(((lower <= truth) & (truth <= upper)).mean()),
        width=float((upper - lower).mean()),
    )
