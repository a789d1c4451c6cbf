"""A subject with a column of each kind, some of them optional."""

from housing.subject import Column, Subject

SUBJECT = Subject(
    name="bricks",
    title="Prices of bricks",
    features=(
        Column(name="weight", minimum=0, maximum=100, example=3.5, tolerance=0.05),
        Column(name="holes", kind="integer", minimum=0, maximum=40, example=4, optional=True),
        Column(name="width", minimum=0, maximum=90, example=11.5, tolerance=0.05, optional=True),
        Column(name="colour", kind="category", categories=("red", "dark blue", "5,5"), example=1),
        Column(
            name="maker",
            kind="category",
            categories=("Smith", "Ito"),
            example=0,
            unknown="other",
            optional=True,
        ),
        Column(name="glazed", kind="boolean", example=1),
        Column(name="used", kind="boolean", example=0, optional=True),
    ),
    target=Column(name="price", minimum=0, maximum=1_000, example=20, tolerance=0.005),
)
