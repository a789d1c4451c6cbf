"""Random ensembles of regression trees, as a node of ONNX has them, and rows on their cuts."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

Floats = NDArray[np.float32]
Attributes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """How ensembles are drawn: limits, inclusive."""

    trees: int = 20
    leaves: int = 64
    columns: int = 10
    cuts: int = 60  # of a column; few of them make many duplicates
    lopsided: bool = False  # as deep as it has leaves
    missing: bool = True  # some nodes send what is missing to the left
    base: bool = True


@dataclass(slots=True)
class _Nodes:
    tree: list[int] = field(default_factory=list)
    node: list[int] = field(default_factory=list)
    feature: list[int] = field(default_factory=list)
    cut: list[float] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    is_leaf: list[bool] = field(default_factory=list)


def drawn(random: np.random.Generator, shape: Shape) -> Attributes:
    """Draw an ensemble; return the attributes of its node."""
    nodes = _Nodes()
    scale = float(10.0 ** random.integers(-3, 4))
    cuts = (random.normal(size=(shape.columns, shape.cuts)) * scale).astype(np.float32)
    cuts[random.random(cuts.shape) < 0.02] = 0.0
    cuts[random.random(cuts.shape) < 0.02] = -0.0
    for _ in range(int(random.integers(1, shape.trees + 1))):
        _grow(nodes, cuts, random, shape)
    is_leaf = np.array(nodes.is_leaf)
    weights = random.normal(size=int(is_leaf.sum())).astype(np.float32)
    attributes: Attributes = {
        "n_targets": 1,
        "nodes_treeids": nodes.tree,
        "nodes_nodeids": nodes.node,
        "nodes_featureids": nodes.feature,
        "nodes_values": nodes.cut,
        "nodes_modes": ["LEAF" if leaf else "BRANCH_LEQ" for leaf in nodes.is_leaf],
        "nodes_truenodeids": nodes.left,
        "nodes_falsenodeids": nodes.right,
        "target_treeids": np.array(nodes.tree)[is_leaf].tolist(),
        "target_nodeids": np.array(nodes.node)[is_leaf].tolist(),
        "target_ids": [0] * len(weights),
        "target_weights": weights.tolist(),
    }
    if shape.base:
        attributes["base_values"] = [float(np.float32(random.normal()))]
    if shape.missing:
        attributes["nodes_missing_value_tracks_true"] = random.integers(
            0, 2, len(nodes.tree)
        ).tolist()
    return attributes


def _grow(nodes: _Nodes, cuts: Floats, random: np.random.Generator, shape: Shape) -> None:
    """Add a tree: split a random leaf (or the last, which makes a chain) until there are enough."""
    first, tree = len(nodes.tree), nodes.tree[-1] + 1 if nodes.tree else 0
    leaves = int(random.integers(1, shape.leaves + 1))

    def add() -> int:
        number = len(nodes.tree) - first
        nodes.tree.append(tree)
        nodes.node.append(number)
        nodes.feature.append(0)
        nodes.cut.append(0.0)
        nodes.left.append(0)
        nodes.right.append(0)
        nodes.is_leaf.append(True)
        return number

    open_leaves = [add()]
    while len(open_leaves) < leaves:
        place = len(open_leaves) - 1 if shape.lopsided else int(random.integers(len(open_leaves)))
        at = first + open_leaves.pop(place)
        nodes.is_leaf[at] = False
        nodes.feature[at] = int(random.integers(shape.columns))
        nodes.cut[at] = float(random.choice(cuts[nodes.feature[at]]))
        nodes.left[at], nodes.right[at] = add(), add()
        children = [nodes.left[at], nodes.right[at]]
        if random.random() < 0.5:
            children.reverse()
        open_leaves += children


def rows_for(
    random: np.random.Generator, attributes: Attributes, count: int, width: int, *, odd: float = 0.0
) -> Floats:
    """Draw rows: on cuts, beside them, between them; ``odd`` of the values NaN or infinite."""
    cuts = np.array(attributes["nodes_values"], np.float32)
    values = random.choice(cuts, (count, width))
    beside = random.integers(0, 4, values.shape)
    values = np.where(beside == 1, np.nextafter(values, np.float32(np.inf)), values)
    values = np.where(beside == 2, np.nextafter(values, np.float32(-np.inf)), values)
    spread = np.float32(cuts.std() + 1)
    drawn_values = random.normal(size=values.shape).astype(np.float32) * spread
    rows: Floats = np.where(beside == 3, drawn_values, values).astype(np.float32)
    oddities = np.array([np.nan, np.inf, -np.inf, -0.0, 3.4e38, 1e-45], np.float32)
    is_odd = random.random(values.shape) < odd
    rows[is_odd] = random.choice(oddities, int(is_odd.sum()))
    return rows


def model_of(
    attributes: Attributes, *, element: int = TensorProto.FLOAT, width: int | None = None
) -> bytes:
    """Return a graph of one ensemble, from ``x`` to ``y``; nothing of it is checked."""
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", **attributes
    )
    graph = helper.make_graph(
        [node],
        "trees",
        [helper.make_tensor_value_info("x", element, ["n", width] if width else None)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return bytes(model.SerializeToString())
