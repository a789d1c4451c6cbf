"""Graphs with trees that keep the service's contract, and libraries that answer them wrongly."""

import subprocess
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from fakes.tree_ensembles import Shape, drawn
from housing.onnx_session import OUTPUTS
from housing.schema import FEATURES

WIDTH = len(FEATURES)


def model_with_trees(seed: int = 0) -> bytes:
    """Return a graph whose price and limits are sums of trees over the schema's ranges."""
    random = np.random.default_rng(seed)
    trees = drawn(random, Shape(trees=30, leaves=30, columns=WIDTH, missing=False))
    middles = [(one.usual_minimum + one.usual_maximum) / 2 for one in FEATURES]
    spans = [one.usual_maximum - one.usual_minimum for one in FEATURES]
    places = random.normal(size=len(trees["nodes_values"])) / 6
    trees["nodes_values"] = [
        float(np.float32(middles[column] + place * spans[column]))
        for column, place in zip(trees["nodes_featureids"], places, strict=True)
    ]
    nodes = [
        helper.make_node("TreeEnsembleRegressor", ["x"], ["sum"], domain="ai.onnx.ml", **trees),
        helper.make_node("Identity", ["sum"], [OUTPUTS[0]]),
        helper.make_node("Sub", ["sum", "half"], [OUTPUTS[1]]),
        helper.make_node("Add", ["sum", "half"], [OUTPUTS[2]]),
    ]
    graph = helper.make_graph(
        nodes,
        "trees",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", WIDTH])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1]) for name in OUTPUTS],
        [numpy_helper.from_array(np.array([0.5], np.float32), "half")],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def compiled_library(
    sources: Path, to: Path, *, gcc: str, change: tuple[str, str], tests_itself: bool
) -> Path:
    """Compile the library with one change to its prediction, with or without its own test."""
    folder = to.parent / "sources"
    folder.mkdir()
    for path in sources.glob("*.[ch]"):
        text = path.read_text()
        if path.name == "predict.c":
            assert change[0] in text
            text = text.replace(*change)
        if path.name == "self_test.c" and not tests_itself:
            assert "return passes;" in text
            text = text.replace("return passes;", "return 1;")
        (folder / path.name).write_text(text)
    subprocess.run(
        [gcc, "-std=gnu11", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-o", str(to)]
        + [str(path) for path in folder.glob("*.c")],
        check=True,
        timeout=100,
    )
    return to
