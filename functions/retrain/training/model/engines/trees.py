"""Fitted trees as arrays, independent of the library."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrain.training.dataset.rows import Values

Indices = NDArray[np.int64]


class Tree(NamedTuple):
    """The n nodes of a regression tree; the root is node 0.

    A row whose feature is at most the threshold goes left, any other row goes right. Missing values
    are not supported: uploads with missing values are rejected.

    Attributes:
        feature: The feature that a node splits on, ``[n]``; 0 in a leaf.
        threshold: Float64, as the library compares it, ``[n]``; 0 in a leaf.
        left: Number of the node on the left, ``[n]``; 0 in a leaf.
        right: Number of the node on the right, ``[n]``; 0 in a leaf.
        value: What a leaf adds to the prediction, ``[n]``.
    """

    feature: Indices
    threshold: Values
    left: Indices
    right: Indices
    value: Values


class Trees(NamedTuple):
    """Trees whose leaf values sum to a prediction.

    Attributes:
        each: The trees.
        base: Constant that is added to the sum.
    """

    each: Sequence[Tree]
    base: float = 0.0
