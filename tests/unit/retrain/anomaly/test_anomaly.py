"""Misses and their chance rates, windows with too many misses, weights of rows."""

import numpy as np
import pytest

from retrain.training.anomaly.clusters import clusters_of, contributors
from retrain.training.anomaly.misses import (
    ABOVE,
    BELOW,
    EITHER,
    LIMIT,
    SIZES,
    Misses,
    MissRates,
    likelihood_ratio,
    miss_sizes,
)
from retrain.training.anomaly.scan import NewRows, scan_cells, scan_places, weights_of
from retrain.training.model.evaluation import Predictions


def said(price: float, lower: float, upper: float) -> Predictions:
    return Predictions(*(np.array([number]) for number in (price, lower, upper)))


def normal_misses(count: int, seed: int) -> Misses:
    """Draw the misses of a champion whose intervals hold 90 % of the prices."""
    return Misses.of(np.random.default_rng(seed).normal(0, 1 / 1.645, count))


def new_rows(misses: Misses, *, uploads: int = 1) -> NewRows:
    prices = np.ones(len(misses))
    numbers = np.arange(len(misses)) % uploads
    rates = MissRates.measured(normal_misses(4_000, seed=1), np.ones(4_000))
    return NewRows(
        misses, numbers, rates.of_uploads(prices, numbers, uploads), np.ones(len(misses))
    )


@pytest.mark.parametrize(
    ("true", "size"), [(2.0, 0.0), (1.0, -2.0), (4.0, 2.0), (1.5, -1.0), (3.0, 1.0)]
)
def test_a_miss_is_measured_in_the_half_interval_of_its_side(true: float, size: float) -> None:
    sizes = miss_sizes(np.array([true]), said(2, 1.5, 3), dearest=5, spread=1)

    assert sizes == pytest.approx([size])


def test_an_upper_limit_that_was_cut_at_the_dearest_price_is_replaced_by_the_lower_half() -> None:
    sizes = miss_sizes(np.array([5.9]), said(4.9, 3.9, 5), dearest=5, spread=1)

    assert sizes == pytest.approx([1.0])


def test_a_narrow_interval_counts_as_a_tenth_of_the_price() -> None:
    sizes = miss_sizes(np.array([4.0]), said(4.4, 4.39, 4.41), dearest=5, spread=1)

    assert sizes == pytest.approx([-0.4 / 0.44])


def test_levels_count_the_sizes_that_a_miss_exceeds() -> None:
    misses = Misses.of(np.array([0.0, -0.5, 0.51, -1.2, 9.0]))

    assert misses.level.tolist() == [0, 0, 1, 3, len(SIZES)]
    assert misses.on(BELOW).tolist() == [False, True, False, True, False]
    assert misses.on(ABOVE).tolist() == [False, False, True, False, True]
    assert misses.on(EITHER).all()


def test_rates_are_those_of_the_rows_that_judge() -> None:
    rates = MissRates.measured(normal_misses(20_000, seed=2), np.ones(20_000))

    chance = rates.of_uploads(np.ones(3), np.zeros(3, np.int64), 1)

    assert chance.shape == (1, 3, len(SIZES))
    assert chance[0, [BELOW, ABOVE, EITHER], LIMIT] == pytest.approx([0.05, 0.05, 0.1], abs=0.01)
    assert (np.diff(chance, axis=2) < 0).all()


def test_an_upload_of_dear_rows_is_compared_with_dear_rows() -> None:
    sizes = np.random.default_rng(3).normal(0, 0.6, 3_000)
    prices = np.random.default_rng(4).uniform(0, 5, 3_000)
    sizes[prices > 4.5] += 0.8
    rates = MissRates.measured(Misses.of(sizes), prices)
    all_kinds, dear = prices[:300], prices[prices > 4.5]
    uploads = np.repeat([0, 1], [len(all_kinds), len(dear)])

    chance = rates.of_uploads(np.concatenate([all_kinds, dear]), uploads, 2)

    assert chance[1, ABOVE, LIMIT] > 3 * chance[0, ABOVE, LIMIT]


def test_the_likelihood_ratio_bounds_the_chance() -> None:
    random = np.random.default_rng(5).poisson(2.0, 200_000)
    for count in (4, 7, 10):
        chance = (random >= count).mean()

        ratio = float(likelihood_ratio(np.array(count, float), np.array(2.0)))

        assert 0 < ratio <= -np.log10(chance) + 0.05
    assert likelihood_ratio(np.array([1.0, 2.0]), np.array(2.0)).tolist() == [0, 0]


def test_scans_of_honest_misses_stay_below_the_limit() -> None:
    for seed in range(20):
        points = np.random.default_rng(seed).uniform(0, 100, (800, 2))
        rows = new_rows(normal_misses(800, seed), uploads=4)

        assert scan_places(rows, points, limit=2.5).windows == []
        assert scan_cells(rows, points, limit=2.5).windows == []


def test_windows_around_misses_become_one_cluster_of_its_uploads() -> None:
    points = np.random.default_rng(6).uniform(0, 100, (800, 2))
    sizes = normal_misses(800, seed=6).size.copy()
    poisoned = np.arange(0, 80, 4)  # all of upload 0
    points[poisoned] = 50 + np.random.default_rng(7).uniform(-0.5, 0.5, (len(poisoned), 2))
    sizes[poisoned] = -2.2
    rows = new_rows(Misses.of(sizes), uploads=4)

    scan = scan_places(rows, points, limit=2.5)
    clusters = clusters_of(scan.windows, rows)

    assert scan.best > 10
    assert clusters[0].window.side == BELOW
    assert set(poisoned) <= set(clusters[0].misses)
    assert clusters[0].uploads.tolist() == [0]
    assert clusters[0].expected < 2
    assert len(clusters) == 1


def test_a_score_is_the_same_whether_uploads_have_equal_chances_or_not() -> None:
    points = np.random.default_rng(8).uniform(0, 10, (300, 2))
    rows = new_rows(normal_misses(300, seed=8), uploads=2)
    rates = rows.rates.copy()
    rates[1] *= 1 + 1e-9

    uneven = NewRows(rows.misses, rows.uploads, rates, rows.weights)

    expected = scan_places(rows, points, limit=99).best
    assert scan_places(uneven, points, limit=99).best == pytest.approx(expected, rel=1e-3)


def test_rows_count_less_where_no_known_one_is_among_them() -> None:
    known = np.random.default_rng(11).uniform(0, 10, (500, 2))
    among = np.random.default_rng(12).uniform(0, 10, (100, 2))
    alone = 100 + np.random.default_rng(13).uniform(0, 1, (100, 2))

    weights = weights_of(np.concatenate([among, alone]), known)

    assert (weights[:100] == 1).mean() > 0.9
    assert weights[100:] == pytest.approx(1 / 3)


def test_more_new_rows_than_known_ones_count_as_many_as_these() -> None:
    known = np.random.default_rng(14).uniform(0, 10, (200, 2))

    weights = weights_of(np.random.default_rng(15).uniform(0, 10, (2_000, 2)), known)

    assert weights.max() == pytest.approx(0.1)


def test_the_uploads_of_a_cluster_are_those_beyond_chance() -> None:
    count = np.array([3.0, 1.0, 1.0, 0.0])
    expected = np.array([0.2, 0.05, 0.9, 0.1])

    assert contributors(count, expected).tolist() == [0, 1]
    assert contributors(np.array([1.0, 2.0]), np.array([0.9, 1.5])).tolist() == [1]
