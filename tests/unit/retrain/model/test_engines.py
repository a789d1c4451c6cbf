"""The gradient-boosting libraries: each fulfils the port."""

import sys
from typing import Any, get_args

import numpy as np
import onnxruntime as ort
import pytest
from lightgbm import LGBMRegressor
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor

from retrain.training.dataset import mapped
from retrain.training.dataset.rows import Values
from retrain.training.errors import EngineError, ExportError
from retrain.training.graph.onnx_ops import OnnxWriter
from retrain.training.model.engines import Engine, EngineName, TreeOptions, engine_of
from retrain.training.model.tensor_ops import Floats

OPTIONS = TreeOptions(
    iterations=40,
    learning_rate=0.1,
    max_leaves=12,
    min_leaf_rows=5,
    l2=1,
    feature_share=0.5,
    seed=0,
)


@pytest.fixture(params=get_args(EngineName))
def engine(request: pytest.FixtureRequest) -> Engine:
    return engine_of(request.param)


def table(rows: int, seed: int = 0) -> tuple[Floats, Values]:
    """Draw features, one of them whole numbers, and what they are worth."""
    rng = np.random.default_rng(seed)
    features = np.column_stack([rng.normal(size=rows), rng.integers(0, 4, rows)])
    return features.astype(np.float32), 2 + features[:, 0] + 3.0 * (features[:, 1] > 1)


def in_graph(trees: Any, features: Floats) -> Values:
    writer = OnnxWriter()
    writer.output("price", writer.trees(writer.input("x", features.shape[1]), trees))
    session = ort.InferenceSession(writer.model().SerializeToString())
    return np.asarray(session.run(None, {"x": features})[0], np.float64).ravel()


def test_the_graph_predicts_what_the_library_predicts(engine: Engine) -> None:
    fitted = engine.regressor(OPTIONS).fit(*table(2_000))
    unseen, worth = table(2_000, seed=1)

    predicted = fitted.predict(unseen)

    np.testing.assert_allclose(in_graph(engine.trees(fitted), unseen), predicted, atol=1e-5)
    assert np.sqrt(np.mean((predicted - worth) ** 2)) < 0.4 * worth.std()


def test_bins_made_in_pieces_are_scikit_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "_PIECE_BYTES", 1 << 16)
    features, worth = table(250_000)  # more than the sample that the bins' edges are chosen by
    options = {"max_iter": 3, "max_leaf_nodes": 12, "random_state": 0, "early_stopping": False}
    regressor: Any = engine_of("scikit-learn").regressor(OPTIONS)

    ours = clone(regressor).set_params(**options).fit(features, worth)
    theirs = HistGradientBoostingRegressor(**ours.get_params()).fit(features, worth)

    assert np.array_equal(ours.predict(features[:5_000]), theirs.predict(features[:5_000]))


@pytest.mark.parametrize("start", [15.0, 34.05, -118.24, 1e-3, -2.5e5, 3e-30])
def test_neighbouring_float32_values_stay_apart_in_the_graph(engine: Engine, start: float) -> None:
    """A threshold lies half-way between two values; every other one rounds up to the greater."""
    first = np.float32(start).view(np.int32)
    values = np.arange(first, first + 60, dtype=np.int32).view(np.float32)
    features = np.repeat(values, 10)[:, np.newaxis]
    worth = np.repeat(np.random.default_rng(0).normal(2, 1, len(values)), 10)
    fitted = engine.regressor(OPTIONS).fit(features, worth)

    predicted = fitted.predict(features)

    assert len(np.unique(predicted)) > 50
    np.testing.assert_allclose(in_graph(engine.trees(fitted), features), predicted, atol=1e-5)


def test_rows_too_few_for_a_split_make_trees_of_one_leaf(engine: Engine) -> None:
    features, worth = table(6)

    fitted = engine.regressor(OPTIONS).fit(features, worth)

    expected = np.full(6, worth.mean())
    np.testing.assert_allclose(fitted.predict(features), expected, atol=1e-4)
    np.testing.assert_allclose(in_graph(engine.trees(fitted), features), expected, atol=1e-5)


def test_each_tree_adds_to_what_the_trees_before_it_say(engine: Engine) -> None:
    features, worth = table(500)
    fitted = engine.regressor(OPTIONS).fit(features, worth)

    stages = list(engine.staged(fitted, features))

    errors = [np.mean((stage - worth) ** 2) for stage in stages]
    assert len(stages) == OPTIONS.iterations
    assert errors[0] > errors[10] > errors[-1]
    np.testing.assert_allclose(stages[-1], fitted.predict(features))


def test_a_seed_gives_the_same_trees_again(engine: Engine) -> None:
    rows = table(500)

    first, again = (engine.trees(engine.regressor(OPTIONS).fit(*rows)) for _ in range(2))

    assert len(first.each) == OPTIONS.iterations
    assert first.base == again.base
    for tree, same in zip(first.each, again.each, strict=True):
        for column, equal in zip(tree, same, strict=True):
            np.testing.assert_array_equal(column, equal)


FEW_TREES: dict[str, Any] = {"n_estimators": 5, "n_jobs": 1, "verbosity": -1}
REFUSED: dict[str, tuple[EngineName, Any, dict[str, Any]]] = {
    "linear leaves": ("lightgbm", LGBMRegressor(linear_tree=True, **FEW_TREES), {}),
    "a mean of trees": (
        "lightgbm",
        LGBMRegressor(boosting_type="rf", bagging_freq=1, bagging_fraction=0.5, **FEW_TREES),
        {},
    ),
    "square roots": ("lightgbm", LGBMRegressor(reg_sqrt=True, **FEW_TREES), {}),
    "LightGBM's Poisson": ("lightgbm", LGBMRegressor(objective="poisson", **FEW_TREES), {}),
    "zeros for missing values": ("lightgbm", LGBMRegressor(zero_as_missing=True, **FEW_TREES), {}),
    "missing values": ("lightgbm", LGBMRegressor(**FEW_TREES), {}),
    "LightGBM's categories": (
        "lightgbm",
        LGBMRegressor(**FEW_TREES),
        {"categorical_feature": [1]},
    ),
    "categories": (
        "scikit-learn",
        HistGradientBoostingRegressor(max_iter=5, categorical_features=[1]),
        {},
    ),
    "Poisson": ("scikit-learn", HistGradientBoostingRegressor(max_iter=5, loss="poisson"), {}),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_trees_that_predict_by_more_than_sums_of_leaves_are_refused(kind: str) -> None:
    name, regressor, of_fit = REFUSED[kind]
    features, worth = table(500)
    if kind == "missing values":
        features[::7, 0] = np.nan
    fitted = regressor.fit(features, np.exp(worth), **of_fit)

    with pytest.raises(ExportError, match="the graph cannot hold"):
        engine_of(name).trees(fitted)


def test_a_library_that_cannot_be_loaded_is_said_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "retrain.training.model.engines.lightgbm", raising=False)
    monkeypatch.setitem(sys.modules, "lightgbm", None)

    with pytest.raises(EngineError, match="LightGBM cannot be loaded") as caught:
        engine_of("lightgbm")

    assert "HOUSING_ENGINE" in caught.value.next_step
