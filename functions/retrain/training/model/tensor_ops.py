"""Tensor operations for formulas that run on arrays when fitting and as nodes of the graph.

A feature that the graph computed in another order than the fit could fall on the other side of a
tree's threshold, so each formula is written once. It uses operators (``+ - * /``), slices of
leading columns, and the functions of ``TensorOps``: names and signatures of the Python array API
standard (2023.12), and three operations beside it. ``NumpyOps`` evaluates a formula, ``OnnxWriter``
adds it to a graph. Sums, logarithms and exponentials of the two still differ in their last bit.
Where that could matter at a threshold they are computed in float64 and rounded to float32, where
both are equal but for one number in millions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

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
    """Operations of formulas: of the array API standard, and three that it does not have."""

    def astype(self, x: Tensor, dtype: Any, /) -> Tensor:
        """Convert to float64, to int64, or to float32, rounding to nearest."""
        ...

    def concat(self, arrays: Sequence[Tensor], /, *, axis: int) -> Tensor:
        """Concatenate ``[n, …]``."""
        ...

    def sqrt(self, x: Tensor, /) -> Tensor:
        """Return square roots."""
        ...

    def exp(self, x: Tensor, /) -> Tensor:
        """Return exponentials."""
        ...

    def log(self, x: Tensor, /) -> Tensor:
        """Return natural logarithms."""
        ...

    def round(self, x: Tensor, /) -> Tensor:
        """Round to the nearest integer, halves to even."""
        ...

    def clip(self, x: Tensor, low: float, high: float, /) -> Tensor:
        """Limit values to ``low`` … ``high``."""
        ...

    def isnan(self, x: Tensor, /) -> Tensor:
        """Return where values are missing, as booleans."""
        ...

    def equal(self, x1: Tensor, x2: Tensor | Constant, /) -> Tensor:
        """Return where values are equal, as booleans."""
        ...

    def where(self, condition: Tensor, x1: Tensor | Constant, x2: Tensor | Constant, /) -> Tensor:
        """Return one value where a condition holds, and another elsewhere."""
        ...

    def sum(self, x: Tensor, /, *, axis: int, keepdims: bool) -> Tensor:
        """Sum along an axis."""
        ...

    def min(self, x: Tensor, /, *, axis: int, keepdims: bool) -> Tensor:
        """Return the minimum along an axis."""
        ...

    def max(self, x: Tensor, /, *, axis: int, keepdims: bool) -> Tensor:
        """Return the maximum along an axis."""
        ...

    def mean(self, x: Tensor, /, *, axis: int) -> Tensor:
        """Average along an axis, which is dropped."""
        ...

    def matmul(self, x: Tensor, matrix: Floats, /) -> Tensor:
        """Multiply ``[n, m]`` by a constant ``[m, k]``."""
        ...

    def take(
        self, x: Tensor | Constant, indices: Tensor | Sequence[int], /, *, axis: int
    ) -> Tensor:
        """Return the entries at indices of any shape (in the standard: of one axis)."""
        ...

    def take_along_axis(self, x: Tensor, indices: Tensor, /, *, axis: int) -> Tensor:
        """Return the entries of each row at its own indices."""
        ...

    def leaf(self, points: Tensor, tree: PlaneTree) -> Tensor:
        """Return the leaf of each of the points, ``[n, 2]``; int64 ``[n]``."""
        ...

    def entries(self, table: Constant, places: Tensor, count: int) -> Tensor:
        """Return the entries of a constant ``[m]`` at places ``[n, count]``."""
        ...

    def nearest(self, rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Return the smallest values of each row, ascending, and their places; ties by place."""
        ...


class NumpyOps:
    """``TensorOps`` on NumPy arrays: NumPy's own functions, and the three beside them.

    The functions are ``Any``, because mypy sees only the first overload of each.
    """

    astype: Any = staticmethod(np.astype)
    concat: Any = staticmethod(np.concat)
    sqrt: Any = staticmethod(np.sqrt)
    exp: Any = staticmethod(np.exp)
    log: Any = staticmethod(np.log)
    round: Any = staticmethod(np.round)
    clip: Any = staticmethod(np.clip)
    isnan: Any = staticmethod(np.isnan)
    equal: Any = staticmethod(np.equal)
    where: Any = staticmethod(np.where)
    sum: Any = staticmethod(np.sum)
    min: Any = staticmethod(np.min)
    max: Any = staticmethod(np.max)
    mean: Any = staticmethod(np.mean)
    matmul: Any = staticmethod(np.matmul)
    take: Any = staticmethod(np.take)
    take_along_axis: Any = staticmethod(np.take_along_axis)

    def leaf(self, points: Tensor, tree: PlaneTree) -> Tensor:
        """See ``TensorOps.leaf``."""
        node = np.zeros(len(points), np.int64)
        every = np.arange(len(points))
        for _ in range(tree.depth):
            goes_right = points[every, tree.axis[node]] > tree.threshold[node]
            node = 2 * node + 1 + goes_right
        return node - len(tree.axis)

    def entries(self, table: Constant, places: Tensor, _count: int) -> Tensor:
        """See ``TensorOps.entries``."""
        return table[places]

    def nearest(self, rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """See ``TensorOps.nearest``."""
        places = np.argsort(rows, axis=1, kind="stable")[:, :count]
        return np.take_along_axis(rows, places, axis=1), places
