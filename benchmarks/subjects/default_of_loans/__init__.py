"""Whether 10,000 holders of credit cards defaulted: ``Default``, as the wheel of ISLP holds it."""

from housing.subject import Column, Subject

SUBJECT = Subject(
    name="default-of-loans",
    title="Defaults on credit cards",
    row="card",
    task="classification",
    features=(
        Column(name="student", kind="category", categories=("No", "Yes"), example=0),
        Column(name="balance", unit="$", minimum=0, example=835, tolerance=0.001),
        Column(name="income", unit="$", minimum=0, example=33_517, tolerance=0.001),
    ),
    target=Column(name="default", kind="boolean", description="Default", example=0),
)
