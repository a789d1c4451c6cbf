"""Geography of the generated data: California's outline, coast and cities.

Coordinates are rounded to .01 to .1 degrees (a kilometre to ten): good for distances, not for maps.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_KM_PER_DEGREE = 111.2
_MIDDLE_LATITUDE = 36.5
_KM_PER_DEGREE_EAST = _KM_PER_DEGREE * float(np.cos(np.radians(_MIDDLE_LATITUDE)))

COAST: tuple[tuple[float, float], ...] = (
    (42.00, -124.22),
    (41.06, -124.16),
    (40.44, -124.41),
    (39.45, -123.82),
    (38.96, -123.74),
    (38.32, -123.05),
    (37.99, -123.02),
    (37.78, -122.52),
    (37.49, -122.50),
    (36.97, -122.05),
    (36.62, -121.95),
    (35.67, -121.29),
    (35.16, -120.77),
    (34.45, -120.47),
    (34.40, -119.69),
    (34.10, -119.10),
    (34.03, -118.68),
    (33.98, -118.47),
    (33.74, -118.40),
    (33.72, -118.18),
    (33.60, -117.90),
    (33.19, -117.39),
    (32.85, -117.28),
    (32.53, -117.13),
)
"""The Pacific shore from Oregon to Mexico, as latitude and longitude."""

_LAND_BORDER = (
    (32.72, -114.72),
    (33.40, -114.72),
    (34.27, -114.14),
    (35.00, -114.63),
    (39.00, -120.00),
    (42.00, -120.00),
)
OUTLINE: tuple[tuple[float, float], ...] = (*COAST, *_LAND_BORDER)


@dataclass(frozen=True, slots=True)
class City:
    """A centre of block groups.

    ``weight`` is its share of the block groups of all cities, ``spread_km`` the standard deviation
    of their distance along each axis, ``premium`` how much dearer houses are in its centre (log of
    the price), ``richer`` the same for incomes.
    """

    name: str
    latitude: float
    longitude: float
    weight: float
    spread_km: float
    premium: float
    richer: float


CITIES: tuple[City, ...] = (
    City("Los Angeles", 34.05, -118.25, 0.33, 26, 0.34, 0.02),
    City("Santa Ana", 33.75, -117.87, 0.11, 14, 0.24, 0.16),
    City("San Diego", 32.75, -117.12, 0.10, 14, 0.16, 0.02),
    City("San Francisco", 37.75, -122.44, 0.07, 7, 0.60, 0.06),
    City("Oakland", 37.81, -122.22, 0.08, 13, 0.34, 0.08),
    City("San Jose", 37.32, -121.92, 0.08, 12, 0.44, 0.22),
    City("San Bernardino", 34.06, -117.35, 0.07, 18, 0.00, 0.00),
    City("Sacramento", 38.57, -121.45, 0.06, 14, 0.05, 0.00),
    City("Fresno", 36.75, -119.77, 0.03, 13, -0.05, -0.10),
    City("Stockton", 37.90, -121.27, 0.03, 14, 0.00, -0.05),
    City("Bakersfield", 35.37, -119.02, 0.02, 10, -0.10, -0.08),
    City("Santa Barbara", 34.43, -119.72, 0.02, 8, 0.30, 0.05),
)


def kilometres(latitude: Floats, longitude: Floats) -> tuple[Floats, Floats]:
    """Project degrees to kilometres north and east, good to a few per cent within the state."""
    return latitude * _KM_PER_DEGREE, longitude * _KM_PER_DEGREE_EAST


def degrees(north_km: Floats, east_km: Floats) -> tuple[Floats, Floats]:
    """Invert ``kilometres``."""
    return north_km / _KM_PER_DEGREE, east_km / _KM_PER_DEGREE_EAST


def inside(latitude: Floats, longitude: Floats) -> NDArray[np.bool_]:
    """Return whether each of n points lies within the outline, by counting crossings of a ray."""
    crossed = np.zeros(latitude.shape, dtype=bool)
    for (lat_a, lon_a), (lat_b, lon_b) in zip(OUTLINE, OUTLINE[1:] + OUTLINE[:1], strict=True):
        if lat_a == lat_b:
            continue
        between = (lat_a > latitude) != (lat_b > latitude)
        edge = lon_a + (latitude - lat_a) / (lat_b - lat_a) * (lon_b - lon_a)
        crossed ^= between & (longitude < edge)
    return crossed


def km_to_coast(latitude: Floats, longitude: Floats) -> Floats:
    """Return the distance of each of n points from the coast, in kilometres."""
    north, east = kilometres(latitude, longitude)
    shore = np.stack(kilometres(*np.array(COAST).T), axis=1)
    nearest = np.full(latitude.shape, np.inf)
    for (n0, e0), (n1, e1) in pairwise(shore):
        dn, de = n1 - n0, e1 - e0
        along = ((north - n0) * dn + (east - e0) * de) / (dn * dn + de * de)
        along = np.clip(along, 0.0, 1.0)
        nearest = np.minimum(nearest, np.hypot(north - n0 - along * dn, east - e0 - along * de))
    return nearest


def km_to_city(city: City, latitude: Floats, longitude: Floats) -> Floats:
    """Return the distance of each of n points from the city's centre, in kilometres."""
    north, east = kilometres(latitude - city.latitude, longitude - city.longitude)
    return np.hypot(north, east)
