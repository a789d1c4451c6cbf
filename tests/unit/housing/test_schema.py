"""The one description of the data agrees with itself."""

import numpy as np
import pytest

from housing.schema import CANONICAL_COLUMNS, CANONICAL_HEADER, FEATURE_NAMES, TARGET
from housing.subject import Column
from subjects.california.schema import CENSUS_HEADER, TARGET_CAP, from_census

BERKELEY = dict(
    zip(CENSUS_HEADER, (-122.23, 37.88, 41, 880, 129, 322, 126, 8.3252, 452_600), strict=True)
)


def test_the_header_is_the_features_and_then_the_target() -> None:
    assert (*FEATURE_NAMES, "MedHouseVal") == CANONICAL_HEADER
    assert len(set(CANONICAL_HEADER)) == 9


@pytest.mark.parametrize("column", CANONICAL_COLUMNS, ids=CANONICAL_HEADER)
def test_a_columns_ranges_enclose_each_other_and_its_example(column: Column) -> None:
    assert column.minimum <= column.usual_minimum <= column.example
    assert column.example <= column.usual_maximum <= column.maximum


def test_the_cap_is_the_usual_maximum_of_the_target() -> None:
    assert TARGET.usual_maximum == TARGET_CAP


def test_a_census_row_becomes_the_canonical_one() -> None:
    row = from_census(BERKELEY)

    assert tuple(row) == CANONICAL_HEADER
    expected = [8.3252, 41, 880 / 126, 129 / 126, 322, 322 / 126, 37.88, -122.23, 4.526]
    assert list(row.values()) == pytest.approx(expected)


def test_census_columns_are_converted_as_arrays() -> None:
    table = from_census({name: np.array([value, value]) for name, value in BERKELEY.items()})

    assert table["AveOccup"] == pytest.approx([322 / 126, 322 / 126])


@pytest.mark.parametrize("name", CENSUS_HEADER)
def test_a_missing_census_column_is_an_error_that_names_it(name: str) -> None:
    rest = {known: value for known, value in BERKELEY.items() if known != name}

    with pytest.raises(KeyError, match=name):
        from_census(rest)
