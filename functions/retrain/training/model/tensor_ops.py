"""Tensor operations for formulas that run on arrays when fitting and as nodes of the graph.

A feature that the graph computed in another order than the fit could fall on the other side of a
tree's threshold, so each formula is written once. It uses operators (``+ - * /``) and the
functions of ``TensorOps``; ``NumpyOps`` evaluates it, ``OnnxWriter`` adds it to a graph. Sums,
logarithms and exponentials of the two still differ in their last bit. Where that could matter at a
threshold they are computed in float64 and rounded to float32, where both are equal but for one
number in millions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

Tensor = Any
"""Rows of float32 (of int64, where they are places), first axis n: an array, or a graph's value."""
Constant = NDArray[Any]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PlaneTree:
    """A complete binary tree over the plane, breadth first; leaves are numbered from the left.

    Attributes:
        axis: The coordinate that each inner node compares, int64 ``[m]``, ``m = 2^depth - 1``.
        threshold: Coordinates up to it go to the left, float32 ``[m]``.
    """

    axis: NDArray[np.int64]
    threshold: Floats

    @property
    def depth(self) -> int:
        """Number of comparisons on the path to a leaf."""
        return (len(self.axis) + 1).bit_length() - 1


class TensorOps(Protocol):
    """Operations of formulas, beside the four operators."""

    def columns(self, rows: Tensor, indices: Sequence[int]) -> Tensor:
        """Return some columns of ``[n, m]``."""
        ...

    def first(self, rows: Tensor, count: int) -> Tensor:
        """Return the first columns of ``[n, m]``."""
        ...

    def concat(self, parts: Sequence[Tensor]) -> Tensor:
        """Concatenate ``[n, …]`` along the second axis."""
        ...

    def wide(self, rows: Tensor) -> Tensor:
        """Convert to float64."""
        ...

    def narrow(self, rows: Tensor) -> Tensor:
        """Convert to float32, rounding to nearest."""
        ...

    def sqrt(self, rows: Tensor) -> Tensor:
        """Return square roots."""
        ...

    def exp(self, rows: Tensor) -> Tensor:
        """Return exponentials."""
        ...

    def log(self, rows: Tensor) -> Tensor:
        """Return natural logarithms."""
        ...

    def round(self, rows: Tensor) -> Tensor:
        """Round to the nearest integer, halves to even."""
        ...

    def clip(self, rows: Tensor, low: float, high: float) -> Tensor:
        """Limit values to ``low`` … ``high``."""
        ...

    def sum(self, rows: Tensor) -> Tensor:
        """Sum ``[n, m]`` to ``[n, 1]``."""
        ...

    def smallest(self, rows: Tensor) -> Tensor:
        """Return the minimum of each row of ``[n, m]``, ``[n, 1]``."""
        ...

    def largest(self, rows: Tensor) -> Tensor:
        """Return the maximum of each row, ``[n, 1]``."""
        ...

    def mean_of_second_axis(self, rows: Tensor) -> Tensor:
        """Average ``[n, k, …]`` to ``[n, …]``."""
        ...

    def matmul(self, rows: Tensor, matrix: Floats) -> Tensor:
        """Multiply ``[n, m]`` by a constant ``[m, k]``."""
        ...

    def leaf(self, points: Tensor, tree: PlaneTree) -> Tensor:
        """Return the leaf of each of the points, ``[n, 2]``; int64 ``[n]``."""
        ...

    def take(self, table: Constant, places: Tensor) -> Tensor:
        """Return a constant's entries at places of any shape."""
        ...

    def entries(self, table: Constant, places: Tensor, count: int) -> Tensor:
        """Return the entries of a constant ``[m]`` at places ``[n, count]``."""
        ...

    def pick(self, rows: Tensor, places: Tensor) -> Tensor:
        """Return the entries of each row of ``[n, m]`` at its own places, ``[n, k]``."""
        ...

    def nearest(self, rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Return the smallest values of each row, ascending, and their places; ties by place."""
        ...


class NumpyOps(TensorOps):
    """``TensorOps`` on NumPy arrays."""

    @override
    def columns(self, rows: Tensor, indices: Sequence[int]) -> Tensor:
        return rows[:, list(indices)]

    @override
    def first(self, rows: Tensor, count: int) -> Tensor:
        return rows[:, :count]

    @override
    def concat(self, parts: Sequence[Tensor]) -> Tensor:
        return np.concatenate(parts, axis=1)

    @override
    def wide(self, rows: Tensor) -> Tensor:
        return rows.astype(np.float64)

    @override
    def narrow(self, rows: Tensor) -> Tensor:
        return rows.astype(np.float32)

    @override
    def sqrt(self, rows: Tensor) -> Tensor:
        return np.sqrt(rows)

    @override
    def exp(self, rows: Tensor) -> Tensor:
        return np.exp(rows)

    @override
    def log(self, rows: Tensor) -> Tensor:
        return np.log(rows)

    @override
    def round(self, rows: Tensor) -> Tensor:
        return np.round(rows)

    @override
    def clip(self, rows: Tensor, low: float, high: float) -> Tensor:
        return np.clip(rows, np.float32(low), np.float32(high))

    @override
    def sum(self, rows: Tensor) -> Tensor:
        return rows.sum(axis=1, keepdims=True)

    @override
    def smallest(self, rows: Tensor) -> Tensor:
        return rows.min(axis=1, keepdims=True)

    @override
    def largest(self, rows: Tensor) -> Tensor:
        return rows.max(axis=1, keepdims=True)

    @override
    def mean_of_second_axis(self, rows: Tensor) -> Tensor:
        return rows.mean(axis=1)

    @override
    def matmul(self, rows: Tensor, matrix: Floats) -> Tensor:
        return rows @ matrix

    @override
    def leaf(self, points: Tensor, tree: PlaneTree) -> Tensor:
        node = np.zeros(len(points), np.int64)
        every = np.arange(len(points))
        for _ in range(tree.depth):
            goes_right = points[every, tree.axis[node]] > tree.threshold[node]
            node = 2 * node + 1 + goes_right
        return node - len(tree.axis)

    @override
    def take(self, table: Constant, places: Tensor) -> Tensor:
        return table[places]

    @override
    def entries(self, table: Constant, places: Tensor, _count: int) -> Tensor:
        return table[places]

    @override
    def pick(self, rows: Tensor, places: Tensor) -> Tensor:
        return np.take_along_axis(rows, places, axis=1)

    @override
    def nearest(self, rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
        places = np.argsort(rows, axis=1, kind="stable")[:, :count]
        return np.take_along_axis(rows, places, axis=1), places
