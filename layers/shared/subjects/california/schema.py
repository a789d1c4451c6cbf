"""The one description of the data: names, units, ranges and both accepted headers.

The API's request model, the check of uploaded CSVs, the documentation and the sample generator
derive from this module; another data set is a change here.

Source of the data set: R. K. Pace and R. Barry, "Sparse Spatial Autoregressions", Statistics and
Probability Letters 33 (1997); block groups of the 1990 census of California.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

SCHEMA_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the canonical table.

    A value outside ``minimum`` … ``maximum`` is impossible and refused; one outside
    ``usual_minimum`` … ``usual_maximum`` lies outside California or the 1990 census and is
    answered with a warning; ``usual`` names what lies within. Two values within ``tolerance`` of
    each other, or within ``SAME_SHARE`` of their size, are one value that was written twice.
    """

    name: str
    unit: str
    description: str
    minimum: float
    maximum: float
    usual_minimum: float
    usual_maximum: float
    example: float
    tolerance: float
    usual: str = "the range of the 1990 census"


FEATURES: tuple[Column, ...] = (
    Column(
        "MedInc",
        "$10,000",
        "Median household income",
        0,
        100,
        0.4999,
        15.0001,
        8.3252,
        tolerance=0.00505,
    ),
    Column("HouseAge", "years", "Median age of the houses", 0, 500, 1, 52, 41, tolerance=0.505),
    Column(
        "AveRooms", "rooms", "Rooms per household", 0.01, 1_000, 0.8, 142, 6.9841, tolerance=0.0101
    ),
    Column(
        "AveBedrms",
        "rooms",
        "Bedrooms per household",
        0.01,
        1_000,
        0.3,
        35,
        1.0238,
        tolerance=0.0101,
    ),
    Column(
        "Population",
        "people",
        "People in the block group",
        1,
        1_000_000,
        3,
        35_682,
        322,
        tolerance=0.505,
    ),
    Column(
        "AveOccup",
        "people",
        "People per household",
        0.01,
        100_000,
        0.69,
        1_244,
        2.5556,
        tolerance=0.0101,
    ),
    Column(
        "Latitude",
        "degrees north",
        "Centre of the block group",
        -90,
        90,
        32.5,
        42.05,
        37.88,
        tolerance=0.00505,
        usual="California",
    ),
    Column(
        "Longitude",
        "degrees east",
        "Centre of it",
        -180,
        180,
        -124.5,
        -114.1,
        -122.23,
        tolerance=0.00505,
        usual="California",
    ),
)

TARGET = Column(
    "MedHouseVal",
    "$100,000",
    "Median house value, capped by the census at 5.00001",
    0.01,
    1_000,
    0.14999,
    5.00001,
    4.526,
    tolerance=0.00505,
)
TARGET_CAP = 5.00001
SAME_SHARE = 5.05e-4
"""Share of a value that four significant digits may round off, a hair more.

Tolerances are in proportion: ``%.2f`` moves a value by .005 at most, a quotient that is rounded
and made whole again by .01, and a whole number is itself.
"""
PLACE: tuple[str, str] = ("Latitude", "Longitude")
PLACE_STEP = 0.01
"""Degrees; rows of one cell of this size are held out or fitted together."""
DOLLARS_PER_UNIT = 100_000
INTERVAL_COVERAGE = 0.9
"""Share of true values that an interval holds. Answers name it (``interval_90``), and the alarms on
too low a coverage are set for it: it is a part of the contract, not a setting."""

FEATURE_NAMES: tuple[str, ...] = tuple(column.name for column in FEATURES)
CANONICAL_COLUMNS: tuple[Column, ...] = (*FEATURES, TARGET)
CANONICAL_HEADER: tuple[str, ...] = tuple(column.name for column in CANONICAL_COLUMNS)

CENSUS_HEADER: tuple[str, ...] = (
    "longitude",
    "latitude",
    "housing_median_age",
    "total_rooms",
    "total_bedrooms",
    "population",
    "households",
    "median_income",
    "median_house_value",
)
CENSUS_COLUMN_OF: Mapping[str, str] = {
    "MedInc": "median_income",
    "HouseAge": "housing_median_age",
    "AveRooms": "total_rooms",
    "AveBedrms": "total_bedrooms",
    "Population": "population",
    "AveOccup": "households",
    "Latitude": "latitude",
    "Longitude": "longitude",
    "MedHouseVal": "median_house_value",
}
"""The census file's column in which a wrong value of a canonical column is to be looked for."""


class Divisible(Protocol):
    """A number or an array of them, of any library."""

    def __truediv__(self, other: Any, /) -> Any: ...


DivisibleT = TypeVar("DivisibleT", bound=Divisible)


def from_census(census: Mapping[str, DivisibleT]) -> dict[str, DivisibleT]:
    """Convert columns under the census file's own header to the canonical ones.

    Args:
        census: A number or an array of n numbers for each name in ``CENSUS_HEADER``.

    Returns:
        The same for each name in ``CANONICAL_HEADER``, in that order.

    Raises:
        KeyError: A column is missing.
    """
    households = census["households"]
    return {
        "MedInc": census["median_income"],
        "HouseAge": census["housing_median_age"],
        "AveRooms": census["total_rooms"] / households,
        "AveBedrms": census["total_bedrooms"] / households,
        "Population": census["population"],
        "AveOccup": census["population"] / households,
        "Latitude": census["latitude"],
        "Longitude": census["longitude"],
        "MedHouseVal": census["median_house_value"] / DOLLARS_PER_UNIT,
    }
