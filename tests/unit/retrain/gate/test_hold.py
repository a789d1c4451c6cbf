"""The hold rule: rows that contradict the champion are held, honest ones are not."""

import numpy as np
import pytest

from fakes.champions import (
    CENTRE,
    DEAREST,
    PLACE_COLUMNS,
    around,
    examined,
    known_rows,
    repriced,
    rows_of,
)
from housing.jobs.results import MOST_HELD_JOBS, MOST_HELD_PLACES, Held
from housing.schema import FEATURE_NAMES
from retrain.training.dataset.rows import Values
from retrain.training.gate.hold import held_of

HERE = (34.31, -117.72)
INCOME = FEATURE_NAMES.index("MedInc")
AGE = FEATURE_NAMES.index("HouseAge")


def shuffled(*tables: Values) -> Values:
    rows = np.concatenate(tables)
    return rows[np.random.default_rng(7).permutation(len(rows))]


@pytest.mark.parametrize("count", [1, 10, 50, 300, 2_000])
def test_honest_uploads_are_not_held(count: int) -> None:
    for seed in range(8):
        hold = examined(rows_of(count, seed))

        assert not hold.is_held, hold.reason
        assert (hold.uploads, hold.contradictions, hold.reason) == ((), (), "")


def test_honest_rows_of_one_place_are_not_held() -> None:
    for seed in range(8):
        assert not examined(around(HERE, 200, seed, degrees=0.1)).is_held


@pytest.mark.parametrize(
    "chosen",
    [
        lambda rows: rows[:, -1] > np.quantile(rows[:, -1], 0.9),
        lambda rows: rows[:, -1] < np.quantile(rows[:, -1], 0.1),
        lambda rows: rows[:, AGE] > 45,
        lambda rows: rows[:, -1] >= DEAREST,
    ],
    ids=["dear", "cheap", "old", "capped"],
)
def test_honest_rows_of_one_kind_are_not_held(chosen: object) -> None:
    rows = rows_of(6_000, seed=3)

    hold = examined(rows[chosen(rows)])  # type: ignore[operator]

    assert not hold.is_held, hold.reason


def test_noise_above_the_dearest_price_is_no_contradiction() -> None:
    rows = rows_of(3_000, seed=4)
    rows[:, -1] *= np.random.default_rng(4).normal(1, 0.05, len(rows))

    assert not examined(rows).is_held


@pytest.mark.parametrize(("half_widths", "side"), [(-2.5, "below"), (2.5, "above")])
def test_rows_of_one_place_that_contradict_are_held_with_place_and_prices(
    half_widths: float, side: str
) -> None:
    poison = repriced(around(HERE, 30, seed=5), half_widths)

    hold = examined(shuffled(poison, rows_of(700, seed=6)))

    assert hold.is_held
    worst = hold.contradictions[0]
    assert (worst.latitude, worst.longitude) == pytest.approx(HERE, abs=0.02)
    assert worst.radius_km is not None
    assert worst.radius_km < 3
    assert worst.side == side
    assert 25 <= worst.rows <= 35
    assert worst.of_rows >= worst.rows
    apart = worst.new_price - worst.champion_price
    assert np.sign(apart) == np.sign(half_widths)
    assert f"{worst.rows} of {worst.of_rows} new rows within" in hold.reason
    assert f"{side} production's price" in hold.reason


def test_prices_within_the_interval_are_seen_if_they_all_lie_on_one_side() -> None:
    poison = repriced(around(HERE, 60, seed=10, degrees=0.1), -0.95)

    hold = examined(shuffled(poison, rows_of(700, seed=11)))

    assert hold.is_held
    assert hold.contradictions[0].size < 1


def test_misses_of_both_sides_in_one_place_are_held() -> None:
    rows = around(HERE, 60, seed=12)
    poison = np.concatenate([repriced(rows[:30], -2), repriced(rows[30:], 2)])

    hold = examined(shuffled(poison, rows_of(700, seed=13)))

    assert hold.is_held
    assert "outside" in {one.side for one in hold.contradictions} | {
        "outside" if {"below", "above"} <= {one.side for one in hold.contradictions} else ""
    }


def test_rows_priced_as_the_champion_does_hide_no_poison_among_them() -> None:
    poison = repriced(around(HERE, 40, seed=14), -3)
    filler = repriced(around(HERE, 60, seed=15), 0)

    assert examined(shuffled(poison, filler)).is_held


def test_poison_in_drips_is_held_and_its_uploads_are_named() -> None:
    poison = repriced(around(HERE, 20, seed=16), -3)
    drips = [
        shuffled(poison[number : number + 2], rows_of(80, seed=20 + number))
        for number in range(0, 20, 2)
    ]

    hold = examined(*drips, rows_of(80, seed=50))

    assert hold.is_held
    assert set(hold.uploads) >= set(range(9))
    assert 10 not in hold.uploads
    assert not examined(drips[0]).is_held


def test_honest_uploads_beside_a_poisoned_one_are_not_named() -> None:
    poison = repriced(around(HERE, 60, seed=17), -3)

    hold = examined(rows_of(500, seed=18), poison, around(HERE, 60, seed=19))

    assert hold.uploads == (1,)


def test_two_poisoned_uploads_of_different_places_are_both_named() -> None:
    there = (33.4, -118.6)
    first = repriced(around(HERE, 40, seed=21), -3)
    second = repriced(around(there, 40, seed=22), 3)

    hold = examined(first, rows_of(400, seed=23), second)

    assert hold.uploads == (0, 2)
    places = [(one.latitude, one.longitude) for one in hold.contradictions]
    for place in (HERE, there):
        assert any(
            np.allclose(np.array(shown_place, float), place, atol=0.02) for shown_place in places
        )


def test_wrong_prices_all_over_are_held() -> None:
    rows = rows_of(800, seed=24)
    rows[:120] = repriced(rows[:120], -4)

    hold = examined(shuffled(rows))

    assert hold.is_held
    assert hold.miss_share > 2 * hold.expected_miss_share - 0.05


def test_wrong_prices_of_rows_that_are_alike_are_held_with_what_they_have_in_common() -> None:
    rows = rows_of(4_000, seed=25)
    are_alike = (rows[:, INCOME] > 6) & (rows[:, AGE] > 30)
    rows[are_alike] = repriced(rows[are_alike], -2.5)

    hold = examined(rows, has_places=False)

    assert hold.is_held
    named = [one.alike for one in hold.contradictions if one.alike]
    assert any("MedInc" in one for one in named)
    assert all(one.latitude is None for one in hold.contradictions)


def test_a_table_without_places_holds_nothing_honest() -> None:
    for seed in range(5):
        assert not examined(rows_of(500, seed), has_places=False).is_held


def test_rows_where_the_champion_has_no_opinion_contradict_nothing() -> None:
    far = repriced(around((44.0, -100.0), 200, seed=26), -4)

    hold = examined(far)

    assert not hold.is_held
    assert (hold.rows, hold.supported_rows) == (200, 0)


def test_many_rows_among_few_known_ones_count_as_few() -> None:
    alone = (36.0, -118.0)  # a degree north of all known rows
    crowd = repriced(around(alone, 300, seed=27), -0.95)

    hold = examined(shuffled(crowd, rows_of(300, seed=28)))

    assert hold.score < 100
    assert hold.supported_rows <= 600


def test_no_rows_and_one_row_are_examined() -> None:
    none = rows_of(1, seed=29)[:0]

    empty, single = examined(none), examined(repriced(rows_of(1, seed=30), -9))

    assert not empty.is_held
    assert (empty.rows, empty.miss_share, empty.copy_share) == (0, 0.0, 0.0)
    assert single.rows == 1
    assert not single.is_held


def test_the_order_of_the_rows_changes_nothing() -> None:
    rows = np.concatenate([repriced(around(HERE, 40, seed=31), -2), rows_of(600, seed=32)])

    one, other = examined(rows), examined(shuffled(rows))

    assert one.score == pytest.approx(other.score)
    assert one.uploads == other.uploads


def test_copies_of_known_rows_that_are_shifted_a_little_are_held() -> None:
    known, _ = known_rows()
    copies = known[:300].copy()
    copies[:, [0, 2, 3, 5]] *= 1.02
    copies[:, PLACE_COLUMNS] += 0.01

    hold = examined(copies)

    assert hold.is_held
    assert hold.copy_share > 0.95
    assert hold.expected_copy_share < 0.05
    assert "copies of known ones" in hold.reason
    assert hold.uploads == (0,)


def test_copies_that_are_moved_far_are_held() -> None:
    known, _ = known_rows()
    copies = known[:300].copy()
    copies[:, PLACE_COLUMNS] += 0.2

    assert "copies of known ones" in examined(copies).reason


def test_a_few_copies_of_the_rows_that_judge_are_held_among_many_honest_ones() -> None:
    known, judges = known_rows()
    copies = known[judges][:60].copy()
    copies[:, [0, 2, 3, 5]] *= 1.01
    copies[:, PLACE_COLUMNS] += 0.01

    hold = examined(copies, rows_of(3_000, seed=33))

    assert hold.is_held
    assert 0 in hold.uploads
    assert 1 not in hold.uploads


def test_known_rows_with_another_price_are_copies_of_nothing() -> None:
    known, _ = known_rows()
    revised = known[:300].copy()
    revised[:, -1] = np.clip(revised[:, -1] * 1.01, 0, DEAREST)

    assert not examined(revised, are_revised=True).is_held


def test_a_held_status_names_jobs_and_is_bounded() -> None:
    places = [(33.1 + step / 4, -118.9 + step / 4) for step in range(7)]
    poison = [
        repriced(around(place, 10, seed=40 + number), -4) for number, place in enumerate(places)
    ]
    hold = examined(*poison, *[repriced(around(HERE, 3, seed=60 + n), -4) for n in range(120)])

    held = held_of(hold, [f"job-{number}" for number in range(127)])

    assert isinstance(held, Held)
    assert held.kind == "data"
    assert held.reason == hold.reason
    assert len(held.places) <= MOST_HELD_PLACES
    assert len(held.jobs) == MOST_HELD_JOBS
    assert held.places[0].jobs
    assert {job for place in held.places for job in place.jobs} <= {
        f"job-{number}" for number in range(127)
    }


def test_the_centre_is_where_the_rows_are() -> None:
    rows = rows_of(2_000, seed=34)

    assert np.median(rows[:, PLACE_COLUMNS], axis=0) == pytest.approx(CENTRE, abs=0.1)
