"""Shifts of whole uploads: a moved market is held, a town with its own mean is not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fakes.champions import around, examined, repriced, rows_of
from retrain.training.anomaly.misses import ABOVE, BELOW, SIZES, Misses
from retrain.training.anomaly.scan import NewRows
from retrain.training.anomaly.shift import Baseline, scan_shifts
from retrain.training.dataset.rows import Values

HALF_WIDTH = 1.645 * 0.3  # of the fake champion


def moved(rows: Values, half_widths: float) -> Values:
    rows = rows.copy()
    rows[:, -1] += half_widths * HALF_WIDTH
    return rows


def drawn_towns(count: int, seed: int, *, rows: int = 40) -> tuple[Values, Values]:
    """Draw places and offsets of towns, each with a mean offset of its own, ``[n, 2]``, ``[n]``."""
    rng = np.random.default_rng(seed)
    town = np.repeat(np.arange(count), rows)
    places = rng.uniform(0, 500, (count, 2))[town] + rng.normal(0, 1, (len(town), 2))
    return places, rng.normal(0, 0.4, count)[town] + rng.normal(0, 0.4, len(town))


def new_rows(offsets: Values, uploads: NDArray[np.int64] | None = None) -> NewRows:
    numbers = np.zeros(len(offsets), dtype=np.int64) if uploads is None else uploads
    rates = np.full((int(numbers.max(initial=0)) + 1, 3, len(SIZES)), 0.05)
    return NewRows(Misses.of(offsets), numbers, rates, np.ones(len(offsets)))


@pytest.mark.parametrize(("half_widths", "side"), [(0.4, "above"), (-0.4, "below")])
def test_a_market_that_moved_is_held_though_few_prices_lie_outside_the_interval(
    half_widths: float, side: str
) -> None:
    hold = examined(moved(rows_of(774, seed=1), half_widths))

    assert hold.is_held
    assert hold.miss_share < 3 * hold.expected_miss_share
    assert hold.contradictions[0].side == side
    assert hold.contradictions[0].of_rows > 700
    assert f"{side} production's price" in hold.reason


def test_of_several_uploads_the_one_that_moved_is_named() -> None:
    hold = examined(rows_of(500, seed=2), moved(rows_of(500, seed=3), 0.5), rows_of(500, seed=4))

    assert hold.uploads == (1,)


def test_a_market_is_seen_in_a_table_without_places_too() -> None:
    assert examined(moved(rows_of(774, seed=5), 0.45), has_places=False).is_held


def test_a_shift_of_few_rows_or_of_a_twentieth_is_not_held() -> None:
    assert not examined(moved(rows_of(25, seed=6), 0.5)).is_held
    assert not examined(moved(rows_of(3_000, seed=7), 0.05)).is_held


def test_prices_within_half_of_the_interval_are_no_shift() -> None:
    hold = examined(repriced(around((34.2, -118.1), 400, seed=8, degrees=0.7), 0.45))

    assert not hold.is_held


def test_rows_of_one_town_count_as_far_fewer_than_rows_of_the_whole_state() -> None:
    places, offsets = drawn_towns(60, seed=9)
    prices = np.random.default_rng(9).uniform(1, 5, len(offsets))
    baseline = Baseline.measured(Misses.of(offsets), prices, places)

    _, of_a_town = baseline.chance(offsets[:40], prices[:40], places[:40])
    spread = np.arange(0, len(offsets), 60)
    _, of_all = baseline.chance(offsets[spread], prices[spread], places[spread])

    assert len(spread) == 40
    assert of_a_town == pytest.approx(0.4, rel=0.35)  # the deviation of a town's mean
    assert of_all < 0.5 * of_a_town


def test_towns_with_a_mean_of_their_own_are_not_held() -> None:
    places, offsets = drawn_towns(80, seed=10)
    prices = np.random.default_rng(10).uniform(1, 5, len(offsets))
    baseline = Baseline.measured(Misses.of(offsets), prices, places)
    new_places, new_offsets = drawn_towns(40, seed=11)

    for start in range(0, len(new_offsets), 40):
        town = slice(start, start + 40)
        one = new_rows(new_offsets[town])
        assert not scan_shifts(one, prices[:40], new_places[town], baseline, limit=3.5).windows


def test_dear_rows_are_compared_with_dear_rows() -> None:
    rng = np.random.default_rng(12)
    prices = rng.uniform(1, 5, 2_000)
    offsets = (prices - 3) / 3 + rng.normal(0, 0.5, 2_000)
    places = rng.uniform(0, 100, (2_000, 2))
    baseline = Baseline.measured(Misses.of(offsets), prices, places)
    dear = prices > 4.5

    same = scan_shifts(new_rows(offsets[dear]), prices[dear], places[dear], baseline, limit=3.5)
    named_cheap = scan_shifts(
        new_rows(offsets[dear]), np.full(dear.sum(), 1.5), places[dear], baseline, limit=3.5
    )

    assert not same.windows
    assert [one.side for one in named_cheap.windows] == [ABOVE]


def test_all_uploads_together_are_scanned_and_the_side_is_said() -> None:
    rng = np.random.default_rng(13)
    places, prices = rng.uniform(0, 100, (2_000, 2)), rng.uniform(1, 5, 2_000)
    baseline = Baseline.measured(Misses.of(rng.normal(0, 0.6, 2_000)), prices, places)
    drips = np.repeat(np.arange(40), 20)
    offsets = rng.normal(-0.5, 0.6, len(drips))

    scan = scan_shifts(
        new_rows(offsets, drips), prices[: len(drips)], places[: len(drips)], baseline, limit=3.5
    )

    assert [(len(one.rows), one.side) for one in scan.windows] == [(800, BELOW)]
    assert scan.best == scan.windows[0].score


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_baseline_of_hardly_any_rows_holds_nothing_honest(count: int) -> None:
    rng = np.random.default_rng(14)
    baseline = Baseline.measured(Misses.of(np.zeros(count)), np.ones(count), np.zeros((count, 2)))

    scan = scan_shifts(
        new_rows(rng.normal(0, 0.02, 50)),
        np.ones(50),
        rng.uniform(0, 9, (50, 2)),
        baseline,
        limit=3.5,
    )

    assert not scan.windows
