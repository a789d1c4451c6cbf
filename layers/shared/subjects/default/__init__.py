"""Default: whether a holder of a credit card fails to pay, by balance and income.

Source: the simulated data set ``Default`` of "An Introduction to Statistical Learning", 10,000
people. Written by ``housing new``; what was edited: units, descriptions, ranges, examples.
"""

from housing.subject import Column, Subject

SUBJECT = Subject(
    name="default",
    title="Defaults on credit cards",
    about="Whether a holder of a credit card defaults",
    row="person",
    of="the data set",
    task="classification",
    features=(
        Column(name="student", description="Whether a student", kind="boolean", example=0),
        Column(
            name="balance",
            unit="dollars",
            description="Average balance after the monthly payment",
            minimum=0,
            maximum=50_000,
            usual_minimum=0,
            usual_maximum=2_654.33,
            tolerance=0.00505,
            example=823.66,
        ),
        Column(
            name="income",
            unit="dollars",
            description="Income of a year",
            minimum=0,
            maximum=1_000_000,
            usual_minimum=771.96,
            usual_maximum=73_554.24,
            tolerance=0.00505,
            example=34_555.83,
        ),
    ),
    target=Column(
        name="default", description="Whether the person defaulted", kind="boolean", example=0
    ),
    source='ISLP, the package of "An Introduction to Statistical Learning"',
)
