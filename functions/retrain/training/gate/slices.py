"""Measure a model by slice of the rows.

Slices are quarters of the target or of the probability, capped targets, the frequent levels of
categories, and with geography the nearest city.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from housing.schema import CAP, FEATURES, GEOGRAPHY, SUBJECT
from retrain.training.dataset.rows import Rows, Values
from retrain.training.model.evaluation import Predictions
from retrain.training.model.metric import ERROR_TITLE, IS_CLASSIFICATION, error
from retrain.training.model.tensor_ops import NumpyOps

_NEARLY = 0.01
_FREQUENT_SHARE = 0.02
_MOST_LEVELS = 10
"""Levels of a column that have a slice each, the most frequent."""
_NAMED = Iterator[tuple[str, NDArray[np.bool_]]]


@dataclass(frozen=True, slots=True)
class Slice:
    """Measures of one slice of the held-out rows, by their heading, in the target's unit."""

    name: str
    rows: int
    figures: Mapping[str, float]


def slices(predictions: Predictions, held: Rows) -> list[Slice]:
    """Measure each slice that is not empty."""
    return [
        _measured(name, mask, predictions, held.prices)
        for name, mask in slice_masks(held, predictions.price)
    ]


def slice_masks(held: Rows, predicted: Values) -> _NAMED:
    """Yield name and mask, ``[n]``, of each slice that is not empty.

    Args:
        held: The rows.
        predicted: Of a classification, the probabilities whose quarters are slices.
    """
    prices = held.prices
    by = predicted if IS_CLASSIFICATION else prices
    quarter = np.digitize(by, np.quantile(by, [0.25, 0.5, 0.75]))
    parts = [(name, quarter == number) for number, name in enumerate(SUBJECT.quarters)]
    if CAP:
        parts.append((CAP.slice_name, prices > CAP.value - _NEARLY))
    parts += [*_levels(held), *_by_city(held)]
    yield from ((name, mask) for name, mask in parts if mask.any())


def _levels(held: Rows) -> _NAMED:
    """Yield the frequent levels of categories and booleans."""
    for place, column in enumerate(FEATURES):
        if column.kind not in {"category", "boolean"}:
            continue
        names = [*column.categories, "another"] if column.categories else ["false", "true"]
        missing = len(names)
        values = held.features[:, place]
        codes = np.where(np.isnan(values), missing, values).astype(int)
        counts = np.bincount(codes, minlength=missing + 1)
        frequent = np.argsort(-counts, kind="stable")[:_MOST_LEVELS]
        for code in np.sort(frequent):
            if counts[code] >= _FREQUENT_SHARE * len(held):
                name = "missing" if code == missing else names[code]
                yield f"{column.name} is {name}", codes == code


def _by_city(held: Rows) -> _NAMED:
    if not GEOGRAPHY:
        return
    from retrain.training.model.features import city_points, points  # noqa: PLC0415 - of places

    offsets = points(NumpyOps(), held.features)[:, np.newaxis] - city_points()
    nearest = (offsets**2).sum(axis=2).argmin(axis=1)
    for number, city in enumerate(GEOGRAPHY.cities):
        yield f"nearest to {city.replace('_', ' ').title()}", nearest == number


def _measured(
    name: str, mask: NDArray[np.bool_], predictions: Predictions, prices: Values
) -> Slice:
    price, lower, upper = (
        column[mask] for column in (predictions.price, predictions.lower, predictions.upper)
    )
    truth = prices[mask]
    if IS_CLASSIFICATION:
        more = {"mean probability": float(price.mean()), "share true": float(truth.mean())}
    else:
        more = {
            "coverage": float(((lower <= truth) & (truth <= upper)).mean()),
            "mean width": float((upper - lower).mean()),
        }
    return Slice(name, int(mask.sum()), {ERROR_TITLE: error(price, truth), **more})
