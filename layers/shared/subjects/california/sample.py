"""Generate a sample like the data set, for machines that cannot fetch the real one."""

import numpy as np
import pandas as pd

from subjects.california.sample_geography import (
    CITIES,
    OUTLINE,
    Floats,
    degrees,
    inside,
    kilometres,
    km_to_city,
    km_to_coast,
)
from subjects.california.schema import FEATURES, TARGET, TARGET_CAP

_HEADER = [column.name for column in (*FEATURES, TARGET)]
_NEIGHBOURHOODS = 24
_NEIGHBOURHOOD_KM = (12.0, 60.0)
_INCOME_MAP, _PRICE_MAP = 1990, 1997
_CROWDED_SHARE = 0.002
_HOLIDAY_SHARE = 0.03
_HOLIDAY_KM = 150
_CITY_REACH_KM = 22.0
_COAST_REACH_KM = 35.0


def generate(rows: int = 20_640, seed: int = 0) -> pd.DataFrame:
    """Generate block groups with the schema, units, ranges and geography of the data set.

    The rows are invented, and drawn independently. Block groups lie around twelve real city
    centres or scattered over the state; incomes are log-normal and higher in some cities and
    neighbourhoods; rooms, bedrooms and people per household are ratios of whole numbers, as in
    the census. The logarithm of the price is a sum: it rises with income (elasticity .8) and
    rooms, falls with the distance from the coast and from the cities and with crowding, and varies
    between neighbourhoods 12 to 60 km wide; noise has a standard deviation of .2. Prices are
    capped at 5.00001 (4 to 5 % of rows). Gradient boosting on the eight columns reaches an R² of
    about .82, as on the real data.

    They are not the census: no row stands for a place, and they support no conclusion about
    California. They test the plumbing of a pipeline.

    Args:
        rows: Number of block groups, at least one.
        seed: The same rows and seed give the same table; the imagined state is the same for all.

    Returns:
        A table of ``rows`` rows with the canonical header, in no order.
    """
    rng = np.random.default_rng(seed)
    latitude, longitude = draw_places(rng, rows)
    income = _income(rng, latitude, longitude)
    age = np.clip(np.round(_age(rng, latitude, longitude)), 1, 52)
    population = np.clip(np.round(rng.lognormal(np.log(1_170), 0.72, rows)), 3, 35_682)
    households = np.maximum(1, np.round(population / _occupancy(rng, rows)))
    rooms, bedrooms = _rooms(rng, income, latitude, longitude)
    features = {
        "MedInc": income,
        "HouseAge": age,
        "AveRooms": np.maximum(1, np.round(rooms * households)) / households,
        "AveBedrms": np.maximum(1, np.round(bedrooms * households)) / households,
        "Population": population,
        "AveOccup": population / households,
        "Latitude": latitude,
        "Longitude": longitude,
    }
    price = _price(rng, features)
    return pd.DataFrame({**features, TARGET.name: price}, columns=_HEADER)


def _income(rng: np.random.Generator, latitude: Floats, longitude: Floats) -> Floats:
    """Draw incomes in $10,000, within the limits of the census."""
    richer = sum(
        (city.richer * _nearness(km_to_city(city, latitude, longitude)) for city in CITIES),
        np.zeros_like(latitude),
    )
    local = 0.16 * _neighbourhoods(_INCOME_MAP, latitude, longitude)
    drawn = rng.normal(np.log(3.35), 0.42, latitude.shape) + richer + local
    income: Floats = np.clip(np.round(np.exp(drawn), 4), 0.4999, 15.0001)
    return income


def _age(rng: np.random.Generator, latitude: Floats, longitude: Floats) -> Floats:
    """Draw ages in years: city centres are older."""
    nearness = [_nearness(km_to_city(city, latitude, longitude)) for city in CITIES]
    age: Floats = rng.normal(24, 12, latitude.shape) + 10 * np.max(nearness, axis=0)
    return age


def _occupancy(rng: np.random.Generator, rows: int) -> Floats:
    """Draw people per household; one block group in 500 is a dormitory or a prison."""
    crowded = np.where(rng.random(rows) < _CROWDED_SHARE, rng.uniform(3, 60, rows), 1.0)
    return rng.lognormal(np.log(2.82), 0.24, rows) * crowded


def _rooms(
    rng: np.random.Generator, income: Floats, latitude: Floats, longitude: Floats
) -> tuple[Floats, Floats]:
    """Draw rooms and bedrooms per household; holiday houses, far inland, have many."""
    rows = income.size
    holiday = (rng.random(rows) < _HOLIDAY_SHARE) & (km_to_coast(latitude, longitude) > _HOLIDAY_KM)
    empty_houses = np.where(holiday, rng.uniform(1.5, 8, rows), 1.0)
    rooms = 5.2 * (income / 3.5) ** 0.3 * rng.lognormal(0, 0.18, rows) * empty_houses
    bedrooms = rng.lognormal(np.log(1.05), 0.06, rows) * empty_houses
    return np.clip(rooms, 0.85, 141), np.clip(bedrooms, 0.34, 34)


def _price(rng: np.random.Generator, features: dict[str, Floats]) -> Floats:
    """Compute prices in $100,000, in steps of $100, between the census's floor and cap."""
    latitude, longitude = features["Latitude"], features["Longitude"]
    log_price = (
        np.log(1.22)
        + 0.80 * np.log(features["MedInc"] / 3.5)
        + 0.08 * np.log(features["AveRooms"] / 5.2)
        - 0.35 * np.log(features["AveOccup"] / 2.8)
        + 0.003 * (features["HouseAge"] - 29)
        + 0.62 * np.exp(-km_to_coast(latitude, longitude) / _COAST_REACH_KM)
        + 0.14 * _neighbourhoods(_PRICE_MAP, latitude, longitude)
        + rng.normal(0, 0.20, latitude.shape)
    )
    for city in CITIES:
        log_price += city.premium * _nearness(km_to_city(city, latitude, longitude))
    price: Floats = np.clip(np.round(np.exp(log_price), 3), TARGET.usual_minimum, TARGET_CAP)
    return price


def _nearness(km: Floats) -> Floats:
    """Map a distance to 1 in a city's centre, falling to 0."""
    return np.exp(-km / _CITY_REACH_KM)


def _neighbourhoods(map_seed: int, latitude: Floats, longitude: Floats) -> Floats:
    """Compute smooth hills over the state, mean 0 and variance 1: a sum of plane waves.

    They do not depend on the sample's seed: all samples come from the same imagined California,
    so that a second upload adds to the first.
    """
    rng = np.random.default_rng(map_seed)
    north, east = kilometres(latitude, longitude)
    hills = np.zeros_like(latitude)
    for _ in range(_NEIGHBOURHOODS):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        wave_km = rng.uniform(*_NEIGHBOURHOOD_KM)
        along = north * np.sin(angle) + east * np.cos(angle)
        hills += np.sin(2 * np.pi * along / wave_km + phase)
    return hills * float(np.sqrt(2 / _NEIGHBOURHOODS))


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
