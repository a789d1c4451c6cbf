"""Majorities: most rows of a place that is well known miss to one side."""

import numpy as np
import pytest

from retrain.training.anomaly.majorities import scan_majorities
from retrain.training.anomaly.misses import ABOVE, BELOW, SIZES, Misses
from retrain.training.anomaly.scan import NewRows
from retrain.training.dataset.rows import Values

RATE = 0.05
TOWN = np.array([40.0, 60.0])


def new_rows(sizes: Values) -> NewRows:
    count = len(sizes)
    rates = np.full((1, 3, len(SIZES)), RATE)
    return NewRows(Misses.of(sizes), np.zeros(count, dtype=np.int64), rates, np.ones(count))


def spread(count: int, seed: int) -> Values:
    return np.random.default_rng(seed).uniform(0, 100, (count, 2))


def town(count: int, seed: int) -> Values:
    return TOWN + np.random.default_rng(seed).uniform(-1, 1, (count, 2))


def poisoned(
    side: int, *, share: float = 0.7, among: int = 700, seed: int = 1
) -> tuple[NewRows, Values]:
    """Put 50 rows into a town, a share of them misses on a side, among honest rows elsewhere."""
    rng = np.random.default_rng(seed)
    sizes = np.concatenate([np.full(50, 0.1), rng.normal(0, 0.5, among)])
    sizes[: int(50 * share)] = -1.2 if side == BELOW else 1.2
    return new_rows(sizes), np.concatenate([town(50, seed), spread(among, seed)])


@pytest.mark.parametrize("side", [BELOW, ABOVE])
def test_a_town_most_of_whose_rows_miss_to_one_side_is_shown(side: int) -> None:
    new, points = poisoned(side)

    scan = scan_majorities(new, points, np.concatenate([town(40, 2), spread(5_000, 2)]), limit=3.5)

    best = max(scan.windows, key=lambda window: window.score)
    assert scan.best == best.score > 10
    assert best.side == side
    assert np.mean(best.rows < 50) > 0.9


def test_a_town_that_the_champion_hardly_knows_is_not_shown() -> None:
    new, points = poisoned(BELOW)

    assert not scan_majorities(new, points, town(2, 3), limit=3.5).windows


def test_a_third_of_a_towns_rows_is_no_majority() -> None:
    rng = np.random.default_rng(4)
    sizes = np.full(60, 0.1)
    sizes[rng.permutation(60)[:15]] = -1.2
    points = np.column_stack([np.arange(60.0), np.zeros(60)])

    scan = scan_majorities(new_rows(sizes), points, np.repeat(points, 2, axis=0), limit=3.5)

    assert not scan.windows


def test_misses_of_both_sides_are_no_majority_of_one() -> None:
    sizes = np.tile([-1.2, 1.2, 0.1], 20)
    points = town(60, 5)

    scan = scan_majorities(new_rows(sizes), points, town(300, 6), limit=3.5)

    assert not scan.windows


@pytest.mark.parametrize("count", [0, 1, 9])
def test_fewer_than_ten_rows_are_left_to_the_other_scans(count: int) -> None:
    scan = scan_majorities(new_rows(np.full(count, -3.0)), town(count, 7), town(50, 8), limit=3.5)

    assert (scan.best, scan.windows) == (-np.inf, [])


def test_honest_rows_stay_below_the_limit() -> None:
    for seed in range(10):
        sizes = np.random.default_rng(seed).normal(0, 1 / 1.645, 1_000)
        points = spread(1_000, seed)

        assert scan_majorities(new_rows(sizes), points, spread(5_000, 99), limit=3.5).best < 2
