"""Trees grown from the drawn features' histograms alone are those of scikit-learn."""

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.ensemble._hist_gradient_boosting import gradient_boosting, grower
from sklearn.ensemble._hist_gradient_boosting.grower import TreeGrower
from sklearn.ensemble._hist_gradient_boosting.histogram import HistogramBuilder

from retrain.training.dataset.rows import Values
from retrain.training.model.engines import TreeOptions, engine_of
from retrain.training.model.engines.scikit_learn import DrawingGrower, drawn_features
from retrain.training.model.tensor_ops import Floats

ROWS, FEATURES = 1_500, 20
OPTIONS = {"max_iter": 40, "max_leaf_nodes": 24, "max_features": 0.15, "random_state": 3}
# The sums of a node's gradients are of another order, which is a last bit of a leaf's value.
STRUCTURE = ["feature_idx", "bin_threshold", "num_threshold", "left", "right", "is_leaf"]
STRUCTURE += ["count", "depth", "missing_go_to_left", "is_categorical"]


def table(seed: int = 0) -> tuple[Floats, Values]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    features[:, 3] = rng.integers(0, 5, ROWS)
    return features, features[:, 0] * features[:, 1] + features[:, 3] + rng.normal(0, 0.1, ROWS)


def nodes_of(fitted: Any) -> list[Any]:
    return [tree.nodes for trees in fitted._predictors for tree in trees]


@pytest.mark.parametrize(
    "more",
    [{}, {"max_features": 1.0}, {"min_samples_leaf": 400}, {"categorical_features": [3]}],
    ids=["a share", "all features", "few splits", "a category"],
)
@pytest.mark.parametrize("kind", [HistGradientBoostingRegressor, HistGradientBoostingClassifier])
def test_the_trees_are_those_of_scikit_learn(kind: Any, more: dict[str, Any]) -> None:
    features, targets = table()
    if kind is HistGradientBoostingClassifier:
        targets = (targets > 2).astype(float)
    expected = kind(**OPTIONS | more).fit(features, targets)

    with drawn_features():
        drawn = kind(**OPTIONS | more).fit(features, targets)

    for ours, theirs in zip(nodes_of(drawn), nodes_of(expected), strict=True):
        np.testing.assert_array_equal(ours[STRUCTURE], theirs[STRUCTURE])
        np.testing.assert_allclose(ours["value"], theirs["value"], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(ours["gain"], theirs["gain"], rtol=1e-6, atol=1e-9)
    ours, theirs = drawn._raw_predict(features), expected._raw_predict(features)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("task", ["regressor", "classifier"])
def test_the_engine_fills_histograms_of_the_drawn_features_alone(
    task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = []

    class Counting:
        """A builder that can do nothing but fill histograms, and counts them."""

        def __init__(self, *arguments: Any) -> None:
            self.builder = HistogramBuilder(*arguments)
            self.gradients, self.hessians = self.builder.gradients, self.builder.hessians
            self.hessians_are_constant = self.builder.hessians_are_constant

        def compute_histograms_brute(self, rows: Any, allowed_features: Any = None) -> Any:
            filled.append(FEATURES if allowed_features is None else len(allowed_features))
            return self.builder.compute_histograms_brute(rows, allowed_features)

    monkeypatch.setattr(grower, "HistogramBuilder", Counting)
    options = TreeOptions(
        iterations=5,
        learning_rate=0.1,
        max_leaves=12,
        min_leaf_rows=20,
        l2=1,
        feature_share=0.15,
        seed=0,
    )
    features, targets = table()

    getattr(engine_of("scikit-learn"), task)(options).fit(features, targets > 2)

    assert set(filled) == {3}  # .15 of 20
    assert len(filled) > 5 * 12


def test_scikit_learn_has_its_own_grower_again_afterwards() -> None:
    with drawn_features():
        assert gradient_boosting.TreeGrower is DrawingGrower

    assert gradient_boosting.TreeGrower is TreeGrower
