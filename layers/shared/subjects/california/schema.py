"""Columns of the data set, and the two headers under which it is known.

Source of the data set: R. K. Pace and R. Barry, "Sparse Spatial Autoregressions", Statistics and
Probability Letters 33 (1997); block groups of the 1990 census of California.
"""

from collections.abc import Mapping
from typing import Any

from housing.subject import Column

_CENSUS = "the range of the 1990 census"

FEATURES: tuple[Column, ...] = (
    Column(
        name="MedInc",
        unit="$10,000",
        description="Median household income",
        minimum=0,
        maximum=100,
        usual_minimum=0.4999,
        usual_maximum=15.0001,
        usual=_CENSUS,
        example=8.3252,
        tolerance=0.00505,
    ),
    Column(
        name="HouseAge",
        unit="years",
        description="Median age of the houses",
        minimum=0,
        maximum=500,
        usual_minimum=1,
        usual_maximum=52,
        usual=_CENSUS,
        example=41,
        tolerance=0.505,
    ),
    Column(
        name="AveRooms",
        unit="rooms",
        description="Rooms per household",
        minimum=0.01,
        maximum=1_000,
        usual_minimum=0.8,
        usual_maximum=142,
        usual=_CENSUS,
        example=6.9841,
        tolerance=0.0101,
    ),
    Column(
        name="AveBedrms",
        unit="rooms",
        description="Bedrooms per household",
        minimum=0.01,
        maximum=1_000,
        usual_minimum=0.3,
        usual_maximum=35,
        usual=_CENSUS,
        example=1.0238,
        tolerance=0.0101,
    ),
    Column(
        name="Population",
        unit="people",
        description="People in the block group",
        minimum=1,
        maximum=1_000_000,
        usual_minimum=3,
        usual_maximum=35_682,
        usual=_CENSUS,
        example=322,
        tolerance=0.505,
    ),
    Column(
        name="AveOccup",
        unit="people",
        description="People per household",
        minimum=0.01,
        maximum=100_000,
        usual_minimum=0.69,
        usual_maximum=1_244,
        usual=_CENSUS,
        example=2.5556,
        tolerance=0.0101,
    ),
    Column(
        name="Latitude",
        unit="degrees north",
        description="Centre of the block group",
        minimum=-90,
        maximum=90,
        usual_minimum=32.5,
        usual_maximum=42.05,
        usual="California",
        example=37.88,
        tolerance=0.00505,
    ),
    Column(
        name="Longitude",
        unit="degrees east",
        description="Centre of it",
        minimum=-180,
        maximum=180,
        usual_minimum=-124.5,
        usual_maximum=-114.1,
        usual="California",
        example=-122.23,
        tolerance=0.00505,
    ),
)
TARGET = Column(
    name="MedHouseVal",
    unit="$100,000",
    description="Median house value, capped by the census at 5.00001",
    minimum=0.01,
    maximum=1_000,
    usual_minimum=0.14999,
    usual_maximum=5.00001,
    usual=_CENSUS,
    example=4.526,
    tolerance=0.00505,
)
TARGET_CAP = 5.00001
DOLLARS_PER_UNIT = 100_000

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


def from_census(census: Mapping[str, Any]) -> dict[str, Any]:
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
