"""Intervals that hold: overall, and where houses are dear."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from fakes.tables import housing_table
from retrain.training.dataset.rows import Rows, Values
from retrain.training.errors import TooFewRowsError
from retrain.training.model.interval import calibrated, conformal_quantile
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
    for low in (0.5, 1.5, 2.5, 3.5):
        band = (predicted >= low) & (predicted < low + 1)
        assert covered[band].mean() == pytest.approx(0.9, abs=0.04)
    assert (upper - lower)[predicted < 1].mean() < 0.6 * (upper - lower)[predicted > 3].mean()
    assert upper.max() <= np.float32(interval.dearest)
    assert lower.min() >= 0


def test_a_few_rows_make_one_band() -> None:
    interval = calibrated(*noisy(60, 0), coverage=0.9, scale=SCALE, seed=0)

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
    assert at(15) == pytest.approx((model.near_[0].predict(asked) + far) / 2, abs=0.2)
    assert max(near.max(), far.max()) <= rows.prices.max()
