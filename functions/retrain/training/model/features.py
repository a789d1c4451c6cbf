"""Features of rows that have a place: distances to landmarks, and ratios of columns."""

from functools import cache
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from housing.schema import FEATURE_NAMES, SUBJECT
from retrain.training.model.tensor_ops import Floats, NumpyOps, Tensor, TensorOps

if SUBJECT.geography is None:
    msg = f"rows of {SUBJECT.name} have no place"
    raise ImportError(msg)
GEOGRAPHY = SUBJECT.geography
KM_PER_DEGREE = 111.2
"""Length of a degree on a great circle of the Earth, mean radius 6,371 km."""
_SHRINK = float(np.cos(np.deg2rad(GEOGRAPHY.middle_latitude)))
"""Length of a degree of longitude in the middle of the region, as a share of that."""
KM_PER_UNIT = (KM_PER_DEGREE, KM_PER_DEGREE * _SHRINK)

_COAST_STEP_KM = 5.0
_ROWS_AT_ONCE = 512
"""Rows whose distances to the coast, 287 each, stay in a processor's cache."""


def plane(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return kilometres east and north of the origin, ``[n, 2]``, of latitudes and longitudes."""
    offsets: NDArray[np.float64] = (places - np.array(GEOGRAPHY.origin)) * np.array(KM_PER_UNIT)
    return offsets[:, ::-1]


def city_points() -> NDArray[np.float64]:
    """Return the cities in the plane, ``[c, 2]``."""
    return plane(np.array(list(GEOGRAPHY.cities.values())))


@cache
def coast_points() -> NDArray[np.float64]:
    """Return points of the coast in the plane, ``[n, 2]``, at most 5 km apart."""
    ends = plane(np.array(GEOGRAPHY.coast))
    pieces = []
    for start, end in pairwise(ends):
        count = int(np.ceil(np.linalg.norm(end - start) / _COAST_STEP_KM))
        steps = np.arange(count)[:, np.newaxis] / count
        pieces.append(start + steps * (end - start))
    return np.concatenate([*pieces, ends[-1:]])


COORDINATES = tuple(FEATURE_NAMES.index(name) for name in GEOGRAPHY.place)
_ORIGIN_EAST_NORTH = np.array([GEOGRAPHY.origin[::-1]], np.float32)
_KM_EAST_NORTH = np.array([KM_PER_UNIT[::-1]], np.float32)
GRID_KM = 0.05
"""Grid of derived coordinates: equal places stay equal despite rounding errors."""
_ANGLES = (15, 30, 45, 60, 75, 105, 120, 135, 150, 165)
_RADIANS = np.deg2rad(np.array(_ANGLES))
_COSINES, _SINES = np.cos(_RADIANS)[np.newaxis], np.sin(_RADIANS)[np.newaxis]

_DIVIDENDS = [FEATURE_NAMES.index(ratio.dividend) for ratio in SUBJECT.ratios]
_DIVISORS = [FEATURE_NAMES.index(ratio.divisor) for ratio in SUBJECT.ratios]
_RATIO_NAMES = tuple(ratio.name for ratio in SUBJECT.ratios)

OWN_NAMES: tuple[str, ...] = (
    *FEATURE_NAMES,
    "km_east",
    "km_north",
    *(f"km_along_{angle}" for angle in _ANGLES),
    *(f"km_to_{city}" for city in GEOGRAPHY.cities),
    "km_to_coast",
    *_RATIO_NAMES,
)
TRAVELLING_NAMES: tuple[str, ...] = (
    *(name for name in FEATURE_NAMES if name not in GEOGRAPHY.place),
    "km_to_coast",
    *_RATIO_NAMES,
)
"""Features that do not depend on the region."""


def points(ops: TensorOps, rows: Tensor) -> Tensor:
    """Return the locations of rows, ``[n, 2]``: km east and north, on the grid."""
    east_north = ops.take(rows, COORDINATES[::-1], axis=1) - _ORIGIN_EAST_NORTH
    return _on_grid(ops, east_north * _KM_EAST_NORTH)


def own_features(ops: TensorOps, rows: Tensor, places: Tensor) -> Tensor:
    """Return ``OWN_NAMES`` of rows, ``[n, 8]``, that lie at these points."""
    east, north = (ops.take(places, [axis], axis=1) for axis in (0, 1))
    axes = east * _COSINES.astype(np.float32) + north * _SINES.astype(np.float32)
    cities = ops.sqrt(_squares(east, north, city_points()))
    # The root of the smallest is the smallest of 287 roots, to the bit.
    coast = ops.sqrt(ops.min(_squares(east, north, coast_points()), axis=1, keepdims=True))
    kilometres = _on_grid(ops, ops.concat([axes, cities, coast], axis=1))
    ratios = ops.take(rows, _DIVIDENDS, axis=1) / ops.take(rows, _DIVISORS, axis=1)
    return ops.concat([rows, places, kilometres, ratios], axis=1)


def _squares(east: Tensor, north: Tensor, to: NDArray[np.float64]) -> Tensor:
    """Return squared distances, in km²."""
    aside = east - to[np.newaxis, :, 0].astype(np.float32)
    along = north - to[np.newaxis, :, 1].astype(np.float32)
    return aside * aside + along * along


def _on_grid(ops: TensorOps, kilometres: Tensor) -> Tensor:
    return ops.round(kilometres * np.float32(1 / GRID_KM)) * np.float32(GRID_KM)


class OwnFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no types
    """The transformer of ``own_features``: float32 ``[n, 8]`` in schema order in; stateless."""

    def fit(self, rows: Floats, _prices: object = None) -> Self:
        """Learn nothing but the width."""
        self.n_features_in_ = rows.shape[1]
        return self

    def transform(self, rows: Floats) -> Floats:
        """Return the features, float32 ``[n, f]``."""
        check_is_fitted(self, "n_features_in_")
        ops = NumpyOps()
        parts = np.array_split(rows, len(rows) // _ROWS_AT_ONCE + 1)
        return np.concatenate([own_features(ops, part, points(ops, part)) for part in parts])

    def get_feature_names_out(self, _names: object = None) -> NDArray[np.object_]:
        """Return the names of the columns."""
        return np.array(OWN_NAMES, dtype=object)
