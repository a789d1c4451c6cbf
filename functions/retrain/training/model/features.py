"""Features of a block group: its location, and ratios of its columns.

Reference points are rounded to hundredths of a degree, as the data set's coordinates are. Cities:
the points of the U.S. Geological Survey's Geographic Names Information System (https://www.usgs.gov/tools/geographic-names-information-system-gnis).
Coast: capes, points and towns of the same source, from the border of Oregon to that of Mexico.
"""

from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from housing.schema import FEATURE_NAMES
from retrain.training.model.tensor_ops import Floats, NumpyOps, Tensor, TensorOps

KM_PER_DEGREE = 111.2
"""Of a great circle of the Earth, mean radius 6,371 km."""
_ORIGIN = (37.0, -120.0)
_SHRINK = float(np.cos(np.deg2rad(36.5)))
"""Of a degree of longitude, in the middle of California."""
KM_PER_UNIT = (KM_PER_DEGREE, KM_PER_DEGREE * _SHRINK)

CITIES: dict[str, tuple[float, float]] = {
    "los_angeles": (34.05, -118.24),
    "san_diego": (32.72, -117.16),
    "san_jose": (37.34, -121.89),
    "san_francisco": (37.77, -122.42),
    "sacramento": (38.58, -121.49),
    "fresno": (36.74, -119.79),
}
COAST: tuple[tuple[float, float], ...] = (
    (41.99, -124.21),  # border of Oregon
    (41.75, -124.20),  # Crescent City
    (41.06, -124.14),  # Trinidad
    (40.44, -124.41),  # Cape Mendocino
    (40.03, -124.07),  # Shelter Cove
    (39.44, -123.81),  # Fort Bragg
    (38.95, -123.74),  # Point Arena
    (38.31, -123.05),  # Bodega Head
    (38.00, -123.02),  # Point Reyes
    (37.76, -122.51),  # San Francisco
    (37.46, -122.44),  # Half Moon Bay
    (36.95, -122.03),  # Santa Cruz
    (36.64, -121.93),  # Point Pinos
    (36.31, -121.90),  # Point Sur
    (35.64, -121.19),  # San Simeon
    (35.37, -120.87),  # Morro Bay
    (34.45, -120.47),  # Point Conception
    (34.40, -119.70),  # Santa Barbara
    (34.27, -119.29),  # Ventura
    (34.00, -118.81),  # Point Dume
    (34.01, -118.50),  # Santa Monica
    (33.74, -118.41),  # Palos Verdes
    (33.76, -118.19),  # Long Beach
    (33.61, -117.93),  # Newport Beach
    (33.46, -117.70),  # Dana Point
    (33.19, -117.39),  # Oceanside
    (32.85, -117.28),  # La Jolla
    (32.67, -117.24),  # Point Loma
    (32.53, -117.12),  # border of Mexico
)
_COAST_STEP_KM = 5.0


def plane(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return kilometres east and north of the origin, ``[n, 2]``, of latitudes and longitudes."""
    offsets: NDArray[np.float64] = (places - np.array(_ORIGIN)) * np.array(KM_PER_UNIT)
    return offsets[:, ::-1]


def city_points() -> NDArray[np.float64]:
    """Return the cities in the plane, ``[6, 2]``."""
    return plane(np.array(list(CITIES.values())))


def coast_points() -> NDArray[np.float64]:
    """Return points of the coast in the plane, ``[n, 2]``, at most 5 km apart."""
    ends = plane(np.array(COAST))
    pieces = []
    for start, end in pairwise(ends):
        count = int(np.ceil(np.linalg.norm(end - start) / _COAST_STEP_KM))
        steps = np.arange(count)[:, np.newaxis] / count
        pieces.append(start + steps * (end - start))
    return np.concatenate([*pieces, ends[-1:]])


COORDINATES = (FEATURE_NAMES.index("Latitude"), FEATURE_NAMES.index("Longitude"))
_ORIGIN_EAST_NORTH = np.array([_ORIGIN[::-1]], np.float32)
_KM_EAST_NORTH = np.array([KM_PER_UNIT[::-1]], np.float32)
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
    *(f"km_to_{city}" for city in CITIES),
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
"""Features that do not depend on the region."""


def points(ops: TensorOps, rows: Tensor) -> Tensor:
    """Return the locations of block groups, ``[n, 2]``: km east and north, on the grid."""
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
        """Return the features, float32 ``[n, 30]``."""
        check_is_fitted(self, "n_features_in_")
        ops = NumpyOps()
        features: Floats = own_features(ops, rows, points(ops, rows))
        return features

    def get_feature_names_out(self, _names: object = None) -> NDArray[np.object_]:
        """Return the names of the columns."""
        return np.array(OWN_NAMES, dtype=object)
