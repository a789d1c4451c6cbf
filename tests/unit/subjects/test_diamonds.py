"""The subject ``diamonds`` is sound, and rows of its table are read."""

from fakes.other_subject import problems_of_rows

ROWS = (
    "carat;cut;color;clarity;depth;table;x;y;z;price",
    "0.23;Ideal;E;SI2;61.5;55;3.95;3.98;2.43;326",
    "0.21;Premium;E;SI1;59.8;61;3.89;3.84;2.31;326",
    "0.23;Good;E;VS1;56.9;65;4.05;4.07;2.31;327",
)


def test_rows_of_diamonds_are_read() -> None:
    assert problems_of_rows("diamonds", ROWS) == []
