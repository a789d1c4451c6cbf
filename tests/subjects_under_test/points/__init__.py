"""A regression with each kind of column, whose targets are in the thousands, and negative."""

from housing.subject import Column, Ratio, Subject

TOWNS = tuple(f"town {number}" for number in range(30))
FEATURES = (
    Column(name="v1", example=3.0, minimum=0.0, maximum=1e6, tolerance=1e-9),
    Column(name="count", kind="integer", example=3, tolerance=0.01),
    Column(name="size", example=3.0, optional=True, tolerance=1e-9),
    Column(name="is_new", kind="boolean", example=1, tolerance=0.01),
    Column(name="is_loud", kind="boolean", example=1, optional=True, tolerance=0.01),
    Column(
        name="grade",
        kind="category",
        categories=("low", "middle", "high"),
        example=1,
        tolerance=0.01,
    ),
    Column(
        name="colour",
        kind="category",
        categories=("red", "blue"),
        unknown="other",
        optional=True,
        example=0,
        tolerance=0.01,
    ),
    Column(
        name="town", kind="category", categories=TOWNS, unknown="other", example=4, tolerance=0.01
    ),
)
SUBJECT = Subject(
    name="points",
    title="Points of trials",
    features=FEATURES,
    target=Column(
        name="gain", unit="points", description="Gain", minimum=-1e6, example=-20.0, tolerance=0.01
    ),
    ratios=(Ratio(name="each", dividend="v1", divisor="count"),),
)
