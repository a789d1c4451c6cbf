"""The generated sample behaves like the data set where the pipeline can tell."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from housing.schema import CANONICAL_COLUMNS, CANONICAL_HEADER, FEATURE_NAMES
from subjects.california.sample import generate
from subjects.california.sample_geography import CITIES, inside, km_to_city, km_to_coast
from subjects.california.schema import TARGET_CAP


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    return generate()


def columns(table: pd.DataFrame, *names: str) -> list[np.ndarray]:
    return [table[name].to_numpy(dtype=float) for name in names]


def test_it_has_the_data_sets_size_and_header(sample: pd.DataFrame) -> None:
    assert len(sample) == 20_640
    assert tuple(sample.columns) == CANONICAL_HEADER


def test_the_same_seed_gives_the_same_rows() -> None:
    pd.testing.assert_frame_equal(generate(rows=300, seed=5), generate(rows=300, seed=5))


def test_another_seed_gives_other_rows() -> None:
    assert not generate(rows=300, seed=5).equals(generate(rows=300, seed=6))


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_any_number_of_rows_can_be_had(rows: int) -> None:
    table = generate(rows=rows)

    assert len(table) == rows
    assert bool(np.isfinite(table.to_numpy()).all())


def test_every_value_is_in_its_usual_range(sample: pd.DataFrame) -> None:
    for column in CANONICAL_COLUMNS:
        usual = sample[column.name].between(column.usual_minimum, column.usual_maximum)
        assert bool(usual.all()), column.name


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_four_to_five_per_cent_are_capped(seed: int) -> None:
    prices = generate(seed=seed)["MedHouseVal"]

    assert prices.max() == TARGET_CAP
    assert (prices == TARGET_CAP).mean() == pytest.approx(0.045, abs=0.006)


@pytest.mark.parametrize(
    ("name", "median", "tolerance"),
    [
        ("MedInc", 3.53, 0.2),
        ("HouseAge", 29, 2),
        ("AveRooms", 5.23, 0.2),
        ("AveBedrms", 1.05, 0.02),
        ("Population", 1_166, 60),
        ("AveOccup", 2.82, 0.1),
        ("MedHouseVal", 1.80, 0.1),
    ],
)
def test_medians_are_the_data_sets(
    name: str, median: float, tolerance: float, sample: pd.DataFrame
) -> None:
    assert sample[name].median() == pytest.approx(median, abs=tolerance)


def test_every_row_lies_in_california(sample: pd.DataFrame) -> None:
    latitude, longitude = columns(sample, "Latitude", "Longitude")

    assert bool(inside(latitude, longitude).all())


@pytest.mark.parametrize(
    ("place", "latitude", "longitude", "is_inside"),
    [
        ("Sacramento", 38.58, -121.49, True),
        ("Los Angeles", 34.05, -118.24, True),
        ("Eureka", 40.80, -124.10, True),
        ("Las Vegas", 36.17, -115.14, False),
        ("Reno", 39.53, -119.81, False),
        ("Tijuana", 32.45, -117.04, False),
        ("the Pacific", 36.0, -123.0, False),
    ],
)
def test_the_outline_separates_california_from_its_neighbours(
    place: str, latitude: float, longitude: float, *, is_inside: bool
) -> None:
    assert inside(np.array([latitude]), np.array([longitude]))[0] == is_inside, place


@pytest.mark.parametrize(
    ("place", "latitude", "longitude", "km"),
    [
        ("Santa Monica", 34.01, -118.49, 0),
        ("Sacramento", 38.58, -121.49, 125),
        ("Fresno", 36.75, -119.77, 165),
        ("Palm Springs", 33.83, -116.55, 110),
    ],
)
def test_distance_to_the_coast_is_right_to_a_tenth(
    place: str, latitude: float, longitude: float, km: float
) -> None:
    kilometres = km_to_coast(np.array([latitude]), np.array([longitude]))[0]

    assert kilometres == pytest.approx(km, rel=0.15, abs=5), place


def test_price_falls_with_the_distance_from_the_coast(sample: pd.DataFrame) -> None:
    km = km_to_coast(*columns(sample, "Latitude", "Longitude"))

    medians = sample["MedHouseVal"].groupby(np.digitize(km, [10, 30, 80])).median()

    assert bool((medians.diff().dropna() < -0.2).all()), medians


def test_price_falls_with_the_distance_from_the_big_cities(sample: pd.DataFrame) -> None:
    latitude, longitude = columns(sample, "Latitude", "Longitude")
    big = [city for city in CITIES if city.name in ("Los Angeles", "San Francisco", "San Jose")]
    km = np.min([km_to_city(city, latitude, longitude) for city in big], axis=0)

    medians = sample["MedHouseVal"].groupby(np.digitize(km, [15, 50])).median()

    assert bool((medians.diff().dropna() < -0.2).all()), medians


def test_price_rises_with_income(sample: pd.DataFrame) -> None:
    quintile = pd.qcut(sample["MedInc"], 5, labels=False)

    medians = sample["MedHouseVal"].groupby(quintile).median()

    assert bool((medians.diff().dropna() > 0.2).all()), medians
    assert sample["MedInc"].corr(sample["MedHouseVal"]) == pytest.approx(0.69, abs=0.06)


def test_boosting_learns_from_one_sample_what_holds_in_another(sample: pd.DataFrame) -> None:
    names = list(FEATURE_NAMES)
    other = generate(rows=4_000, seed=1)
    model = HistGradientBoostingRegressor(random_state=0)
    model.fit(sample[names], sample["MedHouseVal"])

    assert 0.75 < model.score(other[names], other["MedHouseVal"]) < 0.88
