"""Reference points of features, and the plane in which distances are measured.

Coordinates are rounded to hundredths of a degree, as the data set's are. Cities: the points of the
U.S. Geological Survey's Geographic Names Information System (https://www.usgs.gov/tools/geographic-names-information-system-gnis).
Coast: capes, points and towns of the same source, from the border of Oregon to that of Mexico.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

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


ORIGIN_LATITUDE, ORIGIN_LONGITUDE = _ORIGIN
