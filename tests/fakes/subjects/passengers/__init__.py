"""A table of few categories: most rows have the features of others."""

from housing.subject import Column, Subject

SUBJECT = Subject(
    name="passengers",
    title="Passengers",
    task="classification",
    repeats=True,
    features=(
        Column(name="class", kind="category", categories=("1st", "2nd", "3rd"), example=0),
        Column(name="sex", kind="category", categories=("female", "male"), example=0),
        Column(name="fare", minimum=0, maximum=600, tolerance=0.005, example=7, optional=True),
    ),
    target=Column(name="survived", kind="boolean", example=0),
)
