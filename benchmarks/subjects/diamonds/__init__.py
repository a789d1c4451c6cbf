"""Prices of 53,940 diamonds, as the wheel of plotnine holds them; three ordered categories."""

from housing.subject import Column, Subject


def _measure(name: str, example: float) -> Column:
    return Column(name=name, minimum=0, example=example, tolerance=0.001)


def _grade(name: str, *worst_first: str) -> Column:
    return Column(name=name, kind="category", categories=worst_first, example=2)


SUBJECT = Subject(
    name="diamonds",
    title="Prices of diamonds",
    row="diamond",
    features=(
        _measure("carat", 0.7),
        _grade("cut", "Fair", "Good", "Very Good", "Premium", "Ideal"),
        _grade("color", "J", "I", "H", "G", "F", "E", "D"),
        _grade("clarity", "I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"),
        _measure("depth", 61.8),
        _measure("table", 57),
        _measure("x", 5.7),
        _measure("y", 5.7),
        _measure("z", 3.5),
    ),
    target=Column(
        name="price", unit="$", description="Price", minimum=0, example=2_401, tolerance=0.5
    ),
)
