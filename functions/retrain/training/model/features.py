"""Features of a block group: its location, and ratios of its columns."""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from housing.schema import FEATURE_NAMES
from retrain.training.model import geography
from retrain.training.model.tensor_ops import Floats, NumpyOps, Tensor, TensorOps

COORDINATES = (FEATURE_NAMES.index("Latitude"), FEATURE_NAMES.index("Longitude"))
_ORIGIN = np.array([[geography.ORIGIN_LONGITUDE, geography.ORIGIN_LATITUDE]], np.float32)
_KM_PER_UNIT = np.array([geography.KM_PER_UNIT[::-1]], np.float32)
GRID_KM = 0.05
"""Grid of derived coordinates: equal places stay equal despite rounding errors."""
_ANGLES = (15, 30, 45, 60, 75, 105, 120, 135, 150, 165)
_RADIANS = np.deg2rad(np.array(_ANGLES))
_COSINES, _SINES = np.cos(_RADIANS)[np.newaxis], np.sin(_RADIANS)[np.newaxis]

_DIVIDENDS = [FEATURE_NAMES.index(name) for name in ("AveBedrms", "AveRooms", "Population")]
_DIVISORS = [FEATURE_NAMES.index(name) for name in ("AveRooms", "AveOccup", "AveOccup")]

OWN_NAMES: tuple[str, ...] = (
    *FEATURE_NAMES,
    "km_east",
    "km_north",
    *(f"km_along_{angle}" for angle in _ANGLES),
    *(f"km_to_{city}" for city in geography.CITIES),
    "km_to_coast",
    "bedrooms_per_room",
    "rooms_per_person",
    "households",
)
TRAVELLING_NAMES: tuple[str, ...] = (
    *(name for name in FEATURE_NAMES if name not in ("Latitude", "Longitude")),
    "km_to_coast",
    "bedrooms_per_room",
    "rooms_per_person",
    "households",
)
"""Features that mean the same wherever a block group lies."""


def points(ops: TensorOps, rows: Tensor) -> Tensor:
    """Return the locations of block groups, ``[n, 2]``: km east and north, on the grid."""
    east_north = ops.columns(rows, COORDINATES[::-1]) - _ORIGIN
    return _on_grid(ops, east_north * _KM_PER_UNIT)


def own_features(ops: TensorOps, rows: Tensor, places: Tensor) -> Tensor:
    """Return ``OWN_NAMES`` of rows, ``[n, 8]``, that lie at these points."""
    east, north = (ops.columns(places, [axis]) for axis in (0, 1))
    axes = east * _COSINES.astype(np.float32) + north * _SINES.astype(np.float32)
    cities = ops.sqrt(_squares(east, north, geography.city_points()))
    # The root of the smallest is the smallest of 287 roots, to the bit.
    coast = ops.sqrt(ops.smallest(_squares(east, north, geography.coast_points())))
    kilometres = _on_grid(ops, ops.concat([axes, cities, coast]))
    ratios = ops.columns(rows, _DIVIDENDS) / ops.columns(rows, _DIVISORS)
    return ops.concat([rows, places, kilometres, ratios])


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
        """Return the features, float32 ``[n, 30]``."""
        check_is_fitted(self, "n_features_in_")
        ops = NumpyOps()
        features: Floats = own_features(ops, rows, points(ops, rows))
        return features

    def get_feature_names_out(self, _names: object = None) -> NDArray[np.object_]:
        """Return the names of the columns."""
        return np.array(OWN_NAMES, dtype=object)
