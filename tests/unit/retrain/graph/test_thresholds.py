"""At each threshold of each tree the graph and the library take the same branch."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple, get_args

import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
import pytest
from onnx import TensorProto, helper

from fakes.tables import dense_city, housing_table
from housing.schema import FEATURE_NAMES
from retrain.training.dataset.rows import Rows, Values
from retrain.training.graph.export import export
from retrain.training.graph.parity import check_parity
from retrain.training.model.engines import EngineName
from retrain.training.model.features import OWN_NAMES
from retrain.training.model.fit import FEATURES, MODEL, Fitted, fit
from retrain.training.model.tensor_ops import Floats
from retrain.training.settings import TrainingSettings

SETTINGS = TrainingSettings(bucket="b", tracking_uri="http://r.test", iterations=40, max_leaves=16)
TABLES: dict[str, Callable[[int, int], pd.DataFrame]] = {
    "all of the state": housing_table,
    "within 200 m": dense_city,
}


class Case(NamedTuple):
    """A fitted model, its graph, and the rows that it was fitted on."""

    fitted: Fitted
    model: bytes
    rows: Rows


class Ensemble(NamedTuple):
    """Trees of the graph, and the same in the library.

    Attributes:
        attributes: Of the graph's node.
        predict: The library's prediction.
        features: What the node was fitted on, ``[n, m]``.
        columns: Which columns of all features these are.
    """

    attributes: dict[str, Any]
    predict: Callable[[Floats], Values]
    features: Floats
    columns: list[int]


@pytest.fixture(
    scope="module",
    params=[(engine, table) for engine in get_args(EngineName) for table in TABLES],
    ids=" ".join,
)
def case(request: pytest.FixtureRequest) -> Case:
    engine, table = request.param
    rows = Rows.of(TABLES[table](700, 1).to_numpy())
    fitted = fit(rows, replace(SETTINGS.recipe(), engine=engine))
    return Case(fitted, export(fitted), rows)


def ensembles(case: Case) -> Iterator[Ensemble]:
    """Take the trees of the near models, of the far one and of the scale out of the graph."""
    nodes = [
        {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
        for node in onnx.load_model_from_string(case.model).graph.node
        if node.op_type == "TreeEnsembleRegressor"
    ]
    _regions, *near_nodes, far_node, scale_node = nodes
    features = case.fitted.pipeline[FEATURES].transform(case.rows.features)
    model = case.fitted.pipeline[MODEL]
    every, far = list(range(features.shape[1])), list(model.far_columns)
    for node, near in zip(near_nodes, model.averaged_, strict=True):
        yield Ensemble(node, near.predict, features, every)
    yield Ensemble(far_node, model.far_.predict, features[:, far], far)
    priced = np.column_stack([features, model.predict(features)]).astype(np.float32)
    assert case.fitted.interval
    yield Ensemble(scale_node, case.fitted.interval.scale.predict, priced, [*every, -1])


def in_graph(attributes: dict[str, Any], features: Floats) -> Values:
    """Run a node alone."""
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", **attributes
    )
    shapes = (("x", features.shape[1]), ("y", 1))
    given, answer = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
        for name, width in shapes
    )
    graph = helper.make_graph([node], "trees", [given], [answer])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    session = ort.InferenceSession(model.SerializeToString())
    return np.asarray(session.run(None, {"x": features})[0], np.float64).ravel()


class Split(NamedTuple):
    """An inner node: a row that comes to it, the feature that it looks at, and its threshold."""

    row: int
    feature: int
    threshold: np.float32


def splits(ensemble: Ensemble) -> list[Split]:
    """Return all inner nodes that any row comes to."""
    of = {name: np.array(value) for name, value in ensemble.attributes.items()}
    starts = np.flatnonzero(np.diff(of["nodes_treeids"], prepend=-1))
    ends = [*starts[1:], len(of["nodes_treeids"])]
    every = np.arange(len(ensemble.features))
    made = []
    for start, end in zip(starts, ends, strict=True):
        feature, left, right = (
            of[f"nodes_{name}"][start:end] for name in ("featureids", "truenodeids", "falsenodeids")
        )
        threshold = of["nodes_values"][start:end].astype(np.float32)
        node = np.zeros(len(every), np.int64)
        while (left[node] != 0).any():
            numbers, rows = np.unique(node, return_index=True)
            made += [
                Split(int(row), int(feature[number]), threshold[number])
                for number, row in zip(numbers, rows, strict=True)
                if left[number]
            ]
            goes_left = ensemble.features[every, feature[node]] <= threshold[node]
            below = np.where(goes_left, left[node], right[node])
            node = np.where(left[node] != 0, below, node)
    return made


def around(threshold: np.float32) -> Floats:
    """Return the threshold with its neighbours among the float32 numbers."""
    below, above = (np.nextafter(threshold, np.float32(end)) for end in (-np.inf, np.inf))
    return np.array([below, threshold, above])


def test_each_tree_splits_where_the_library_does(case: Case) -> None:
    for ensemble in ensembles(case):
        actual = splits(ensemble)
        asked = np.repeat(ensemble.features[[split.row for split in actual]], 3, axis=0)
        asked[np.arange(len(asked)), np.repeat([split.feature for split in actual], 3)] = (
            np.concatenate([around(split.threshold) for split in actual])
        )

        predicted = ensemble.predict(asked)

        on, above = predicted[1::3], predicted[2::3]
        assert np.mean(on != above) > 0.95  # so that a row on the wrong side is seen
        assert np.abs(in_graph(ensemble.attributes, asked) - predicted).max() < 1e-5


def test_whole_rows_at_the_thresholds_are_answered_as_the_model_answers(case: Case) -> None:
    asked = []
    for ensemble in ensembles(case):
        for split in splits(ensemble):
            column = ensemble.columns[split.feature]
            if 0 <= column < len(FEATURE_NAMES):
                rows = np.repeat(case.rows.features[[split.row]], 3, axis=0)
                rows[:, FEATURE_NAMES.index(OWN_NAMES[column])] = around(split.threshold)
                asked.append(rows)

    assert len(asked) > 100
    check_parity(
        case.model,
        case.fitted,
        np.concatenate(asked),
        worst=SETTINGS.parity_worst,
        p99=SETTINGS.parity_p99,
    )
