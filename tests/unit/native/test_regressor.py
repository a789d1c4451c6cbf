"""The library's TreeEnsembleRegressor answers bit for bit as ONNX Runtime's, or not at all."""

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto

from fakes.tree_ensembles import Attributes, Shape, drawn, model_of, rows_for

Open = Callable[[bytes, Path | None], onnxruntime.InferenceSession]

SHAPES = {
    "usual": Shape(),
    "of the model": Shape(trees=100, leaves=48, columns=47, cuts=200),
    "stumps and single leaves": Shape(leaves=2),
    "one cut": Shape(cuts=1, columns=1),
    "one tree": Shape(trees=1),
    "chains": Shape(lopsided=True),
    "chains of 256 leaves": Shape(trees=8, lopsided=True, leaves=256, cuts=200),
    "more leaves than bytes count": Shape(trees=5, leaves=700),
    "more cuts than bytes count": Shape(trees=60, cuts=400, columns=3),
    "without missing values or base": Shape(missing=False, base=False, columns=40),
}
COUNTS = (0, 1, 2, 3, 7, 8, 31, 32, 33, 64, 97, 128, 129, 300)
EVERY_ROW = int(os.environ.get("HOUSING_FUZZ_ROWS", "0"))


def differing(
    open_model: Open, library: Path, random: np.random.Generator, shape: Shape
) -> tuple[int, int]:
    """Compare both over rows of one ensemble; return how many there were, and how many differ."""
    attributes = drawn(random, shape)
    model = model_of(attributes)
    sessions = open_model(model, None), open_model(model, library)
    rows = different = 0
    for count in COUNTS:
        for odd in (0.0, 0.02):
            given = {"x": rows_for(random, attributes, count, shape.columns, odd=odd)}
            theirs, ours = (session.run(None, given)[0] for session in sessions)
            assert ours.shape == theirs.shape == (count, 1)
            rows += count
            different += int((ours.view(np.uint32) != theirs.view(np.uint32)).sum())
    return rows, different


@pytest.mark.parametrize("name", SHAPES)
def test_random_ensembles_are_answered_bit_for_bit(
    open_model: Open, library: Path, name: str
) -> None:
    random = np.random.default_rng(len(name))

    compared = [differing(open_model, library, random, SHAPES[name]) for _ in range(3)]

    assert sum(rows for rows, _ in compared) > 4_000
    assert sum(different for _, different in compared) == 0


@pytest.mark.timeout(1_800)
@pytest.mark.skipif(not EVERY_ROW, reason="a long run: make fuzz-trees")
def test_a_million_random_rows_are_answered_bit_for_bit(open_model: Open, library: Path) -> None:
    seed = int(np.random.SeedSequence().generate_state(1)[0])
    random = np.random.default_rng(seed)
    rows = 0

    while rows < EVERY_ROW:
        shape = list(SHAPES.values())[random.integers(len(SHAPES))]
        more, different = differing(open_model, library, random, shape)
        assert different == 0, f"seed {seed}, {shape}"
        rows += more

    print(f"{rows} rows, 0 differ (seed {seed})")  # noqa: T201 - the target's answer


def test_the_library_answers_where_it_is_registered(open_model: Open, library: Path) -> None:
    attributes = drawn(np.random.default_rng(0), Shape())
    rows = rows_for(np.random.default_rng(1), attributes, 7, 10)
    answered = ctypes.CDLL(str(library)).housing_trees_rows
    answered.restype = ctypes.c_uint64
    session, plain = (
        open_model(model_of(attributes), library),
        open_model(model_of(attributes), None),
    )
    before = answered()

    plain.run(None, {"x": rows})
    assert answered() == before
    session.run(None, {"x": rows})

    assert answered() == before + 7


def test_four_threads_at_once_answer_as_one(open_model: Open, library: Path) -> None:
    random = np.random.default_rng(3)
    attributes = drawn(random, SHAPES["of the model"])
    batches = [rows_for(random, attributes, count, 47, odd=0.001) for count in (1, 2, 40, 300)] * 10
    model = model_of(attributes)
    plain, session = open_model(model, None), open_model(model, library)
    alone = [plain.run(None, {"x": rows})[0].tobytes() for rows in batches]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda rows: session.run(None, {"x": rows})[0], batches))

    assert [answer.tobytes() for answer in together] == alone


def changed(**changes: Any) -> Attributes:
    """Return a small ensemble of two trees with some attributes replaced, or left out by None."""
    attributes: Attributes = {
        "n_targets": 1,
        "aggregate_function": "SUM",
        "post_transform": "NONE",
        "base_values": [1.0],
        "nodes_treeids": [0, 0, 0, 0, 0, 1, 1, 1],
        "nodes_nodeids": [0, 1, 2, 3, 4, 0, 1, 2],
        "nodes_featureids": [0, 1, 0, 0, 0, 1, 0, 0],
        "nodes_values": [0.5, 1.5, 0.0, 0.0, 0.0, 2.5, 0.0, 0.0],
        "nodes_hitrates": [1.0] * 8,
        "nodes_modes": [*["BRANCH_LEQ"] * 2, *["LEAF"] * 3, "BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_truenodeids": [1, 2, 0, 0, 0, 1, 0, 0],
        "nodes_falsenodeids": [4, 3, 0, 0, 0, 2, 0, 0],
        "nodes_missing_value_tracks_true": [1, 0, 0, 0, 0, 1, 0, 0],
        "target_treeids": [0, 0, 0, 1, 1],
        "target_nodeids": [2, 3, 4, 1, 2],
        "target_ids": [0] * 5,
        "target_weights": [1.0, 2.0, 3.0, 10.0, 20.0],
    }
    attributes |= changes
    return {name: value for name, value in attributes.items() if value is not None}


BRANCHES = ("BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")


def modes(first: str) -> list[str]:
    return [first, "BRANCH_LEQ", *["LEAF"] * 3, "BRANCH_LEQ", "LEAF", "LEAF"]


NOT_DONE = {
    "an average": changed(aggregate_function="AVERAGE"),
    "the smallest": changed(aggregate_function="MIN"),
    "a transform": changed(post_transform="PROBIT"),
    **{mode: changed(nodes_modes=modes(mode)) for mode in BRANCHES},
    "trees in another order": changed(
        nodes_treeids=[*[1] * 5, *[0] * 3], target_treeids=[1, 1, 1, 0, 0]
    ),
}
REASONS = "an aggregate|a transform|a mode other|trees are not numbered"
REFUSED_BY_BOTH = {
    "no targets": changed(n_targets=0),
    "a mode that is none": changed(nodes_modes=modes("BRANCH_PERHAPS")),
    "a node that is its own child": changed(nodes_truenodeids=[0, 2, 0, 0, 0, 1, 0, 0]),
    "a child of no tree": changed(nodes_truenodeids=[7, 2, 0, 0, 0, 1, 0, 0]),
    "a child below none": changed(nodes_falsenodeids=[-1, 3, 0, 0, 0, 2, 0, 0]),
    "a weight of no tree": changed(target_treeids=[0, 0, 0, 1, 2]),
    "a weight of no node": changed(target_nodeids=[2, 3, 4, 1, 9]),
    "lists of two lengths": changed(nodes_values=[0.5, 1.5]),
    "weights of two lengths": changed(target_ids=[0] * 4),
    "a node twice": changed(nodes_nodeids=[0, 1, 2, 3, 3, 0, 1, 2]),
    "a long name of a transform": changed(post_transform="X" * 100),
    "no attributes": {},
}


@pytest.mark.parametrize("name", NOT_DONE)
def test_an_unsupported_model_is_left_to_onnx_runtime(
    open_model: Open, library: Path, name: str
) -> None:
    model = model_of(NOT_DONE[name])
    open_model(model, None)  # it is one that ONNX Runtime does

    with pytest.raises(Exception, match=f"initialization: ({REASONS})"):
        open_model(model, library)


@pytest.mark.parametrize("name", REFUSED_BY_BOTH)
def test_a_model_that_is_broken_is_refused_by_both(
    open_model: Open, library: Path, name: str
) -> None:
    for one in (None, library):
        with pytest.raises(Exception, match="initialization"):
            open_model(model_of(REFUSED_BY_BOTH[name]), one)


def test_rows_of_another_type_are_left_to_onnx_runtime(open_model: Open, library: Path) -> None:
    model = model_of(changed(), element=TensorProto.DOUBLE)
    open_model(model, None)

    with pytest.raises(Exception, match="INVALID_GRAPH"):
        open_model(model, library)


def test_rows_with_too_few_columns_are_refused(open_model: Open, library: Path) -> None:
    session = open_model(model_of(changed()), library)

    for shape in ((3, 1), (2,), (2, 2, 2), (0, 1)):
        with pytest.raises(Exception, match="columns of the trees"):
            session.run(None, {"x": np.ones(shape, np.float32)})


def test_the_trees_are_walked_as_the_attributes_say(open_model: Open, library: Path) -> None:
    rows = np.array([[0.5, 1.5], [0.5, 1.6], [0.6, 2.5], [0.6, 2.6], [np.nan, np.nan]], np.float32)

    answers = open_model(model_of(changed()), library).run(None, {"x": rows})[0]

    assert answers.ravel().tolist() == [12, 13, 14, 24, 13]
