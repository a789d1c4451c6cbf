"""California housing: median house values of the block groups of the 1990 census."""

from housing.subject import ApiWords, Cap, OtherHeader, Ratio, Scaled, Subject
from subjects.california.geography import GEOGRAPHY
from subjects.california.schema import (
    CENSUS_COLUMN_OF,
    CENSUS_HEADER,
    DOLLARS_PER_UNIT,
    FEATURES,
    TARGET,
    TARGET_CAP,
    from_census,
)

SUBJECT = Subject(
    name="california-housing",
    title="California housing prices",
    about="Prices of Californian block groups",
    card_title="Median house values of Californian block groups",
    row="block group",
    answer="a house price",
    api=ApiWords(
        verb="price",
        noun="price",
        about_row="One block group of the census: all eight features.",
        interval=(3.3071, 5.4329),
        warning="Latitude 45.0 lies outside California (32.5 to 42.05)",
    ),
    of="the census",
    features=FEATURES,
    target=TARGET,
    output="price",
    headers=(
        OtherHeader(
            title="census", names=CENSUS_HEADER, column_of=CENSUS_COLUMN_OF, convert=from_census
        ),
    ),
    scaled=Scaled(
        name="price_usd", suffix="usd", unit="dollars", factor=DOLLARS_PER_UNIT, sign="$"
    ),
    cap=Cap(
        value=TARGET_CAP,
        slice_name="capped at $500,001",
        warning="the census caps values at $500,001; the true price may be higher",
        limit=(
            "The census capped values at $500,001. A price or limit at the cap says that the "
            "census would have capped it, not what the houses are worth."
        ),
    ),
    scale=1.0,
    geography=GEOGRAPHY,
    ratios=(
        Ratio(name="bedrooms_per_room", dividend="AveBedrms", divisor="AveRooms"),
        Ratio(name="rooms_per_person", dividend="AveRooms", divisor="AveOccup"),
        Ratio(name="households", dividend="Population", divisor="AveOccup"),
    ),
    quarters=("cheapest quarter", "second quarter", "third quarter", "dearest quarter"),
    limits=("Prices of 1990. Not for decisions about people who live there.",),
)
