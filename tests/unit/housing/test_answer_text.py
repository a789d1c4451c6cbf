"""An answer as a person reads it."""

from typing import Any

import pytest

from housing.answer_text import text_of

ANSWER: dict[str, Any] = {
    "MedHouseVal": 4.526,
    "price_usd": 452_600.0,
    "interval_90": {"lower": 4.0, "upper": 5.0, "lower_usd": 400_000, "upper_usd": 500_000},
}


def test_the_second_unit_is_read_where_there_is_one() -> None:
    text = text_of(ANSWER)

    assert (text.value, text.certainty) == ("$452,600", "90 % between $400,000 and $500,000")
    assert text.is_sound


def test_a_value_outside_of_its_interval_is_not_sound() -> None:
    assert not text_of(ANSWER | {"price_usd": 1.0}).is_sound


@pytest.mark.parametrize("field", ["price_usd", "interval_90"])
def test_a_field_that_is_missing_is_an_error(field: str) -> None:
    with pytest.raises(KeyError, match=field):
        text_of({name: value for name, value in ANSWER.items() if name != field})
