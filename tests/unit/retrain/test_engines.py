"""The libraries that grow the trees: each does the same for the job."""

import sys
from typing import get_args

import numpy as np
import onnxruntime as ort
import pytest

from retrain.training.dataset.rows import Values
from retrain.training.errors import EngineError
from retrain.training.graph.onnx_ops import OnnxWriter, Trees
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
    """Draw features of close neighbours, whole numbers and zeros, and what they are worth."""
    rng = np.random.default_rng(seed)
    features = np.column_stack(
        [
            rng.normal(size=rows),
            15 + rng.integers(0, 4, rows) * np.float64(np.spacing(np.float32(15))),
            rng.integers(0, 3, rows) * 1e-36,
        ]
    ).astype(np.float32)
    return features, 2 + features[:, 0] + 3 * (features[:, 1] > 15) + 1.0 * (features[:, 2] > 0)


def in_graph(trees: Trees, features: Floats) -> Values:
    writer = OnnxWriter()
    writer.output("price", writer.trees(writer.input("x", features.shape[1]), trees))
    session = ort.InferenceSession(writer.model().SerializeToString())
    found: Values = np.asarray(session.run(None, {"x": features})[0]).ravel()
    return found


def test_the_graph_splits_where_the_library_does(engine: Engine) -> None:
    fitted = engine.regressor(OPTIONS).fit(*table(2_000))
    unseen, worth = table(2_000, seed=1)

    predicted = fitted.predict(unseen)

    np.testing.assert_allclose(in_graph(engine.trees(fitted), unseen), predicted, atol=1e-4)
    assert np.sqrt(np.mean((predicted - worth) ** 2)) < 0.4 * worth.std()


def test_rows_too_few_for_a_split_make_trees_of_one_leaf(engine: Engine) -> None:
    features, worth = table(6)

    fitted = engine.regressor(OPTIONS).fit(features, worth)

    expected = np.full(6, worth.mean())
    np.testing.assert_allclose(fitted.predict(features), expected, atol=1e-4)
    np.testing.assert_allclose(in_graph(engine.trees(fitted), features), expected, atol=1e-4)


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

    assert first == again


def test_a_library_that_cannot_be_loaded_is_said_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "retrain.training.model.engines.lightgbm", raising=False)
    monkeypatch.setitem(sys.modules, "lightgbm", None)

    with pytest.raises(EngineError, match="LightGBM cannot be loaded") as caught:
        engine_of("lightgbm")

    assert "HOUSING_ENGINE" in caught.value.next_step
