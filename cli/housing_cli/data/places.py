"""Drawing where block groups lie."""

import numpy as np

from housing_cli.data.california import CITIES, OUTLINE, Floats, degrees, inside, kilometres

_RURAL_SHARE = 0.12
_TRIES = 200


def draw_places(rng: np.random.Generator, rows: int) -> tuple[Floats, Floats]:
    """Draw block groups around the cities, and one in eight anywhere in the state.

    Returns:
        Latitudes and longitudes of n points within the outline, rounded to .01 degrees as the
        census gives them.
    """
    weights = np.array([city.weight for city in CITIES])
    shares = [*(weights / weights.sum() * (1 - _RURAL_SHARE)), _RURAL_SHARE]
    homes = rng.choice(len(shares), rows, p=shares)
    latitude, longitude = _scatter(rng, homes)
    for _ in range(_TRIES):
        outside = ~inside(latitude, longitude)
        if not outside.any():
            break
        latitude[outside], longitude[outside] = _scatter(rng, homes[outside])
    return latitude, longitude


def _scatter(rng: np.random.Generator, homes: np.ndarray) -> tuple[Floats, Floats]:
    """Draw a point for each home: around its city, or for the last number anywhere."""
    north, east = kilometres(*_anywhere(rng, homes.size))
    for number, city in enumerate(CITIES):
        here = homes == number
        centre = kilometres(np.array([city.latitude]), np.array([city.longitude]))
        north[here] = rng.normal(centre[0], city.spread_km, int(here.sum()))
        east[here] = rng.normal(centre[1], city.spread_km, int(here.sum()))
    latitude, longitude = degrees(north, east)
    return np.round(latitude, 2), np.round(longitude, 2)


def _anywhere(rng: np.random.Generator, rows: int) -> tuple[Floats, Floats]:
    outline = np.array(OUTLINE)
    (south, west), (north, east) = outline.min(axis=0), outline.max(axis=0)
    return rng.uniform(south, north, rows), rng.uniform(west, east, rows)
