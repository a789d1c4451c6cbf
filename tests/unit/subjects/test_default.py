"""The subject ``default`` is sound, and rows of its table are read."""

from fakes.other_subject import problems_of_rows

ROWS = (
    "student;balance;income;default",
    "No;729.5264952072861;44361.62507426691;No",
    "Yes;817.180406555498;12106.1347003149;No",
    "No;1073.54916401173;31767.1389473999;No",
)


def test_rows_of_default_are_read() -> None:
    assert problems_of_rows("default", ROWS) == []
