"""Small made-up tables of the project's schema."""

import numpy as np
import pandas as pd

from housing.schema import CANONICAL_HEADER, FEATURES, TARGET
from subjects.california.schema import DOLLARS_PER_UNIT


def housing_table(rows: int = 600, seed: int = 0) -> pd.DataFrame:
    """Draw rows from the usual ranges; the price follows income and place, bent and noisy."""
    rng = np.random.default_rng(seed)
    columns = {
        column.name: rng.uniform(column.usual_minimum, column.usual_maximum, rows)
        for column in FEATURES
    }
    coast = np.hypot(columns["Latitude"] - 34, columns["Longitude"] + 118)
    price = 4.2 * np.exp(-coast / 4) + np.sin(columns["MedInc"]) * 0.5 + rng.normal(0, 0.1, rows)
    columns[TARGET.name] = price.clip(TARGET.usual_minimum, TARGET.usual_maximum)
    return pd.DataFrame(columns)[list(CANONICAL_HEADER)]


def dense_city(rows: int = 600, seed: int = 0) -> pd.DataFrame:
    """Return rows that all lie within 200 m: their coordinates are neighbouring float32 values."""
    table = housing_table(rows, seed)
    north, east = np.random.default_rng(seed).uniform(-1e-3, 1e-3, (2, rows))
    return table.assign(Latitude=34.05 + 0.9 * north, Longitude=-118.24 + east)


def census_table(rows: int = 20, seed: int = 0) -> pd.DataFrame:
    """Return rows under the census file's own header, with its last, textual column."""
    table = housing_table(rows, seed)
    households = np.full(rows, 400.0)
    return pd.DataFrame(
        {
            "longitude": table["Longitude"],
            "latitude": table["Latitude"],
            "housing_median_age": table["HouseAge"],
            "total_rooms": table["AveRooms"] * households,
            "total_bedrooms": table["AveBedrms"] * households,
            "population": np.full(rows, 1_200.0),
            "households": households,
            "median_income": table["MedInc"],
            "median_house_value": table["MedHouseVal"] * DOLLARS_PER_UNIT,
            "ocean_proximity": "NEAR BAY",
        }
    )


def as_csv(table: pd.DataFrame) -> bytes:
    """Return a table as the content of a CSV."""
    return str(table.to_csv(index=False)).encode()
