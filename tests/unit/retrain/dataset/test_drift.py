"""Drift of new rows against earlier ones: figures, false alarms, power."""

from collections.abc import Callable
from math import log

import numpy as np
import pytest

from housing.jobs.results import Drift
from housing.schema import CANONICAL_HEADER
from retrain.training.dataset.drift import measure_drift, population_stability
from retrain.training.dataset.rows import Values
from subjects.california.sample import generate

POOL: Values = generate(rows=5_000, seed=1).to_numpy()
COLUMN = {name: number for number, name in enumerate(CANONICAL_HEADER)}
ONE_TO_TEN = np.arange(1.0, 11)


def drift_of(rows: Values, reference: Values, min_rows: int = 50) -> Drift:
    return measure_drift(rows, reference, psi_limit=0.2, min_rows=min_rows)


def drawn(seed: int, rows: int, reference_rows: int = 3_000) -> tuple[Values, Values]:
    """Draw new rows and rows before, none of them twice, from the same table."""
    order = np.random.default_rng(seed).permutation(len(POOL))
    return POOL[order[:rows]], POOL[order[rows : rows + reference_rows]]


def test_the_index_is_the_one_computed_by_hand_less_what_chance_gives() -> None:
    reference = np.repeat(ONE_TO_TEN, 100)  # half of them up to 5
    rows = np.repeat([1.0, 6.0, 7.0, 8.0], 100)  # a quarter of them

    by_hand = (0.25 - 0.5) * log(0.25 / 0.5) + (0.75 - 0.5) * log(0.75 / 0.5)
    by_chance = (2 - 1) * (1 / 400 + 1 / 1_000)
    assert population_stability(rows, reference, bins=2) == pytest.approx(by_hand - by_chance)


def test_a_bin_without_new_rows_counts_as_half_a_row() -> None:
    reference = np.repeat(ONE_TO_TEN, 10)
    rows = np.full(100, 7.0)

    by_hand = (0.005 - 0.5) * log(0.005 / 0.5) + (1 - 0.5) * log(1 / 0.5)
    by_chance = 1 / 100 + 1 / 100
    assert population_stability(rows, reference, bins=2) == pytest.approx(by_hand - by_chance)


def test_the_bins_end_at_quantiles_of_the_reference() -> None:
    reference = np.repeat(ONE_TO_TEN**5, 10)  # ten bins of one value each

    assert population_stability(reference, reference) == 0
    without_the_last = population_stability(np.repeat(ONE_TO_TEN[:9] ** 5, 10), reference)
    of_nine, of_the_last = (1 / 9 - 0.1) * log(10 / 9), (0.5 / 90 - 0.1) * log(5 / 90)
    by_chance = 9 * (1 / 90 + 1 / 100)
    assert without_the_last == pytest.approx(9 * of_nine + of_the_last - by_chance)


def test_a_value_of_many_rows_has_a_bin_of_its_own() -> None:
    reference = np.concatenate([np.arange(1.0, 71), np.full(30, 100.0)])
    near = np.concatenate([np.arange(1.0, 71), np.full(30, 99.0)])

    assert population_stability(reference, reference) == 0
    assert population_stability(near, reference) > 1


def test_rows_of_one_distribution_have_an_index_near_zero_however_few_they_are() -> None:
    psi_by_seed = [
        [column.psi for column in drift_of(*drawn(seed, 50)).columns] for seed in range(30)
    ]

    assert np.mean(psi_by_seed) < 0.07  # 0.18 and more, if chance were not taken off


def test_constant_columns_do_not_drift_until_the_constant_moves() -> None:
    constant = np.tile(POOL[:1], (60, 1))
    moved = constant.copy()
    moved[:, COLUMN["HouseAge"]] += 1

    same, other = drift_of(constant, constant[:50]), drift_of(moved, constant)

    assert {(column.psi, column.ks, column.p_value) for column in same.columns} == {(0, 0, 1)}
    assert same.warnings == []
    assert [column.name for column in other.columns if column.drifted] == ["HouseAge"]


@pytest.mark.parametrize(
    ("rows", "reference_rows", "reason"),
    [
        (100, 0, "there were no rows before"),
        (0, 100, "no row is new"),
        (49, 1_000, "49 new rows and 1,000 before; 50 of each are needed"),
        (1_000, 49, "1,000 new rows and 49 before; 50 of each are needed"),
    ],
)
def test_of_too_few_rows_nothing_is_said_but_why(
    rows: int, reference_rows: int, reason: str
) -> None:
    drift = drift_of(POOL[:rows] + 100, POOL[:reference_rows])

    assert (drift.rows, drift.reference_rows, drift.reason) == (rows, reference_rows, reason)
    assert (drift.columns, drift.warnings) == ([], [])


def test_as_many_rows_as_are_needed_are_enough() -> None:
    assert len(drift_of(POOL[:50], POOL[50:100]).columns) == 9


@pytest.mark.parametrize("rows", [50, 200, 2_000])
def test_rows_of_one_distribution_are_warned_about_in_less_than_one_case_in_a_hundred(
    rows: int,
) -> None:
    alarms = sum(bool(drift_of(*drawn(seed, rows)).warnings) for seed in range(200))

    assert alarms / 200 < 0.01


def richer(rows: Values) -> None:
    rows[:, COLUMN["MedInc"]] *= 1.5


def older(rows: Values) -> None:
    rows[:, COLUMN["HouseAge"]] += 12


def dearer(rows: Values) -> None:
    rows[:, COLUMN["MedHouseVal"]] *= 1.5


@pytest.mark.parametrize(
    ("change", "column"),
    [(richer, "MedInc"), (older, "HouseAge"), (dearer, "MedHouseVal")],
)
def test_a_shift_that_matters_is_found_in_that_column_alone(
    change: Callable[[Values], None], column: str
) -> None:
    for seed in range(20):
        rows, reference = drawn(seed, 200)
        change(rows)

        assert [each.name for each in drift_of(rows, reference).columns if each.drifted] == [column]


def test_fifty_rows_are_enough_to_find_half_as_much_income_again() -> None:
    warned = 0
    for seed in range(40):
        rows, reference = drawn(seed, 50)
        richer(rows)
        warned += any(
            warning.startswith("MedInc") for warning in drift_of(rows, reference).warnings
        )

    assert warned >= 36


def test_rows_of_one_county_are_found_by_their_place() -> None:
    latitude, longitude = POOL[:, COLUMN["Latitude"]], POOL[:, COLUMN["Longitude"]]
    is_near = (abs(latitude - 34.05) < 0.25) & (abs(longitude + 118.25) < 0.3)
    county = POOL[is_near][:60]

    drifted = {column.name for column in drift_of(county, POOL[~is_near]).columns if column.drifted}

    assert len(county) == 60
    assert drifted >= {"Latitude", "Longitude"}


def test_many_rows_with_a_difference_that_does_not_matter_are_not_warned_about() -> None:
    rows, reference = POOL[:2_500].copy(), POOL[2_500:]
    rows[:, COLUMN["MedInc"]] *= 1.1

    drift = drift_of(rows, reference)

    assert drift.columns[0].p_value < 1e-6
    assert drift.columns[0].psi < 0.2
    assert drift.warnings == []


def test_a_warning_is_a_plain_sentence_with_its_numbers() -> None:
    reference = np.tile(ONE_TO_TEN, (9, 30)).T
    rows = reference.copy()
    rows[:, COLUMN["MedInc"]] = 10.0
    rows[:, COLUMN["Population"]] *= 1_000

    drift = drift_of(rows, reference)

    assert [warning.partition("PSI")[0] for warning in drift.warnings] == [
        "MedInc drifts: ",
        "Population drifts: ",
    ]
    assert drift.warnings[0].endswith("KS 0.90; mean 5.5 before, 10 in the new rows")
    assert drift.warnings[1].endswith("mean 5.5 before, 5,500 in the new rows")


def test_the_order_of_rows_does_not_matter_and_the_rows_stay_as_they_were() -> None:
    rows, reference = drawn(0, 300)
    before = (rows.copy(), reference.copy())

    assert drift_of(rows, reference) == drift_of(rows[::-1], reference[::-1])
    assert np.array_equal(rows, before[0])
    assert np.array_equal(reference, before[1])
