"""The same table as ``points``, with two classes."""

from dataclasses import replace

from subjects.points import SUBJECT as POINTS  # type: ignore[import-untyped]  # found at run

from housing.subject import Column

SUBJECT = replace(
    POINTS,
    name="yes_no",
    task="classification",
    target=Column(name="won", kind="boolean", description="Won", example=1, tolerance=0.01),
)
