"""Coverage of the intervals: overall, and for expensive houses."""

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor

from fakes.tables import housing_table
from retrain.training.dataset.rows import Rows, Values
from retrain.training.errors import TooFewRowsError
from retrain.training.model.interval import calibrated, check_enough, conformal_quantile
from retrain.training.model.regressor import GatedRegressor
from retrain.training.model.tensor_ops import Floats

SCALE = HistGradientBoostingRegressor(
    max_iter=150, learning_rate=0.06, max_leaf_nodes=15, min_samples_leaf=40, random_state=0
)


def test_the_quantile_is_the_rank_that_the_theorem_names() -> None:
    scores = np.arange(1.0, 20.0)  # 19 of them: ceil(20 · 0.9) = 18

    assert conformal_quantile(scores[::-1], 0.9) == 18.0
    assert conformal_quantile(-scores, 0.9) == 0.0


def test_too_few_scores_for_the_coverage_are_said() -> None:
    with pytest.raises(TooFewRowsError, match="18 rows are too few for 90% intervals"):
        conformal_quantile(np.arange(18.0), 0.95)


def noisy(count: int, seed: int) -> tuple[Floats, Values, Values]:
    """Draw features, predictions and prices whose errors grow with the price, upwards most."""
    rng = np.random.default_rng(seed)
    predicted = rng.uniform(0.5, 4.5, count)
    errors = rng.gumbel(0, 0.05 + 0.15 * predicted)
    features = rng.normal(size=(count, 2)).astype(np.float32)
    return features, predicted, np.clip(predicted + errors, 0.1, 5.0)


def test_it_covers_in_every_band_where_errors_grow_with_the_price() -> None:
    interval = calibrated(*noisy(4_000, 0), coverage=0.9, scale=SCALE, seed=0)
    features, predicted, prices = noisy(4_000, 1)

    lower, upper = interval.around(features, predicted)

    covered = (lower <= prices) & (prices <= upper)
    assert covered.mean() == pytest.approx(0.9, abs=0.02)
    for low, share in ((0.5, 0.9), (1.5, 0.881), (2.5, 0.872), (3.5, 0.929)):
        band = (predicted >= low) & (predicted < low + 1)
        assert covered[band].mean() == pytest.approx(share, abs=0.035)
    assert (upper - lower)[predicted < 1].mean() < 0.6 * (upper - lower)[predicted > 3].mean()
    assert upper.max() <= np.float32(interval.dearest)
    assert lower.min() >= 0


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95, 0.99])
def test_any_coverage_is_kept_and_the_dearest_band_keeps_more(coverage: float) -> None:
    interval = calibrated(*noisy(6_000, 0), coverage=coverage, scale=SCALE, seed=0)
    features, predicted, prices = noisy(6_000, 1)

    lower, upper = interval.around(features, predicted)

    covered = (lower <= prices) & (prices <= upper)
    assert covered.mean() == pytest.approx(coverage, abs=0.025)
    dearest = predicted > 3.5
    misses = 1 - covered
    assert len(interval.edges) == 3
    assert misses[dearest].mean() < 0.85 * misses[~dearest].mean()


@pytest.mark.parametrize(
    ("coverage", "least"), [(0.5, 3), (0.8, 9), (0.9, 19), (0.99, 199), (0.999, 1_999)]
)
def test_as_many_rows_as_the_coverage_asks_for_are_enough(coverage: float, least: int) -> None:
    with pytest.raises(TooFewRowsError, match=f"{least - 1} rows are too few for .* intervals"):
        check_enough(least - 1, coverage)
    check_enough(least, coverage)

    for count in (least, 2 * least, 5 * least):  # nor are there too few in a band
        features, predicted, prices = noisy(count, 0)
        interval = calibrated(
            features, predicted, prices, coverage=coverage, scale=DummyRegressor(), seed=0
        )
        assert np.isfinite([*interval.below, *interval.above]).all()


def test_many_equal_predictions_make_one_band() -> None:
    features, predicted, prices = noisy(1_000, 0)
    predicted[:600] = predicted.min()

    interval = calibrated(features, predicted, prices, coverage=0.9, scale=SCALE, seed=0)

    assert len(interval.edges) == 0


def test_rows_with_larger_errors_have_a_wider_interval() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(4_000, 2)).astype(np.float32)
    predicted = np.full(4_000, 2.5) + rng.normal(0, 1e-3, 4_000)
    size = np.where(features[:, 0] > 0, 0.6, 0.1)
    prices = np.clip(predicted + rng.normal(0, size), 0.01, 5)

    interval = calibrated(features, predicted, prices, coverage=0.9, scale=SCALE, seed=0)
    lower, upper = interval.around(features, predicted)

    widths = upper - lower
    assert widths[size > 0.5].mean() > 2.5 * widths[size < 0.5].mean()


@pytest.mark.parametrize("count", [60, 399])
def test_a_few_rows_make_one_band(count: int) -> None:
    interval = calibrated(*noisy(count, 0), coverage=0.9, scale=SCALE, seed=0)

    assert len(interval.edges) == 0
    features, predicted, _ = noisy(10, 1)
    lower, upper = interval.around(features, predicted)
    assert (lower <= predicted).all()
    assert (predicted <= upper + 1e-6).all()


def test_far_from_all_training_rows_the_other_trees_answer_alone() -> None:
    rows = Rows.of(housing_table(300).to_numpy())
    trees = HistGradientBoostingRegressor(max_iter=20, random_state=0)
    features = rows.features.copy()
    features[:, 7] = np.linspace(0, 10, 300)  # so that all are known within 10 km
    model = GatedRegressor(
        trees, trees, models=1, far_columns=[0, 1], distance_column=7, known_share=1.0
    )
    model.fit(features, rows.prices)
    asked = features[:50].copy()

    def at(kilometres: float) -> Values:
        asked[:, 7] = kilometres
        return model.predict(asked)

    far = np.clip(model.far_.predict(asked[:, [0, 1]]), 0, model.dearest_)
    assert at(25) == pytest.approx(far, abs=1e-6)
    near = at(9)
    assert np.abs(near - far).max() > 0.1
    assert at(15) == pytest.approx((model.averaged_[0].predict(asked) + far) / 2, abs=0.2)
    assert max(near.max(), far.max()) <= rows.prices.max()
