"""Trees of a graph by the library of ``native/trees``, where it answers as ONNX Runtime does.

The library is a file beside this one, one for each processor. Where it is missing, or fails its
test, ONNX Runtime's own trees answer.
"""

import ctypes
import logging
import platform
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from housing.onnx_session import ONNX_ERRORS, graph_inputs, open_session
from housing.schema import FEATURES
from housing.subject import Column

LIBRARY = Path(__file__).with_name("native") / f"trees-{platform.machine()}.so"
"""Path of the library, written by ``make trees``."""

_OPERATOR = b"TreeEnsembleRegressor"
_UNKNOWN = "unknown"
_TESTED_ROWS = (1, 4, 130)
"""Rows of a run: one by masks, one vector of bytes, and more than a block of vectors."""


class Trees(StrEnum):
    """Which trees answer."""

    LIBRARY = "library"
    ONNX_RUNTIME = "onnxruntime"


@dataclass(frozen=True, slots=True)
class OpenedGraph:
    """A session, which trees answer in it, and why not the library's.

    Attributes:
        reason: Empty where the library answers.
        has_failed: Whether the library is installed, and failed its test or refused the graph.
    """

    session: onnxruntime.InferenceSession
    trees: Trees
    reason: str = ""
    has_failed: bool = False

    def log(self, logger: logging.Logger) -> None:
        """Log which trees answer: a warning where the library failed."""
        level = logging.WARNING if self.has_failed else logging.INFO
        logger.log(level, "trees_chosen", extra={"trees": self.trees, "reason": self.reason})


class _UnprovedError(Exception):
    """Raised when the library does not answer a graph, or otherwise than ONNX Runtime."""


def open_graph(model: bytes, library: Path = LIBRARY, *, proof: str | None = None) -> OpenedGraph:
    """Load a serialized graph, with the library's trees if they pass a test on it.

    The test: rows within the schema's usual ranges are answered both ways, equal to the last bit.
    The graph is loaded twice for it, one after the other. Where a training job compared the same
    sources of the library with the same version of ONNX Runtime on all rows, it is loaded once.
    The library compares each ensemble, on this processor, with a plain walk of its nodes as well.

    Args:
        model: The graph.
        library: Where the library is.
        proof: The ``identity`` that a training job compared on this graph.

    Raises:
        ONNX_ERRORS: It is no graph that ONNX Runtime can load.
    """
    if not library.exists():
        return _without(open_session(model), f"{library.name} is not installed")
    if _OPERATOR not in model:
        return _without(open_session(model), "the graph has no trees")
    if proof:
        proved = _proved_before(model, library, proof)
        if proved:
            return OpenedGraph(proved, Trees.LIBRARY)
    plain = open_session(model)
    rows = [_rows(count) for count in _TESTED_ROWS]
    try:
        expected = [_run(plain, batch) for batch in rows]
    except (*ONNX_ERRORS, ValueError):  # a graph of other inputs: the caller's to judge
        return _without(plain, "the graph cannot be run on rows of the schema")
    del plain  # before the next is loaded: they are the largest that the process holds
    try:
        session = _proved(model, library, rows, expected)
    except (*ONNX_ERRORS, OSError, AttributeError, _UnprovedError) as exc:
        return OpenedGraph(open_session(model), Trees.ONNX_RUNTIME, str(exc), has_failed=True)
    finally:
        _return_memory()
    return OpenedGraph(session, Trees.LIBRARY)


def identity(library: Path = LIBRARY) -> str:
    """Return the digest of the library's sources, and ONNX Runtime's version.

    Raises:
        OSError: It cannot be loaded.
        AttributeError: It is another library.
    """
    source = ctypes.CDLL(str(library)).housing_trees_source
    source.restype = ctypes.c_char_p
    return f"{source().decode() or _UNKNOWN} {onnxruntime.__version__}"


def rows_answered(library: Path = LIBRARY) -> Callable[[], int]:
    """Return what counts the rows of ensembles that the library answered on the calling thread.

    Raises:
        OSError: It cannot be loaded.
        AttributeError: It is another library.
    """
    counted = ctypes.CDLL(str(library)).housing_trees_rows
    counted.restype = ctypes.c_uint64
    return counted


def _proved_before(model: bytes, library: Path, proof: str) -> onnxruntime.InferenceSession | None:
    """Open a graph with a library that a training job compared; None where it was another."""
    try:
        if identity(library) != proof or proof.startswith(_UNKNOWN):
            return None
        session, answered = open_session(model, library), rows_answered(library)
        before = answered()
        _run(session, _rows(1))
    except (*ONNX_ERRORS, OSError, AttributeError, ValueError):
        return None  # the longer way says why
    _return_memory()
    return session if answered() > before else None


def _proved(
    model: bytes, library: Path, rows: list[NDArray[np.float32]], expected: list[list[bytes]]
) -> onnxruntime.InferenceSession:
    session = open_session(model, library)
    answered = rows_answered(library)
    for batch, theirs in zip(rows, expected, strict=True):
        before = answered()
        ours = _run(session, batch)
        if answered() == before:  # this version of ONNX Runtime, or this processor, is not known
            msg = "ONNX Runtime does not call it"
            raise _UnprovedError(msg)
        if ours != theirs:
            msg = f"its results for {len(batch)} rows differ from ONNX Runtime's"
            raise _UnprovedError(msg)
    return session


def _run(session: onnxruntime.InferenceSession, rows: NDArray[np.float32]) -> list[bytes]:
    """Return the bytes of all outputs: they tell 0 from -0, and one NaN is equal to another."""
    answers: list[NDArray[Any]] = session.run(
        None, graph_inputs(rows, session.get_inputs()[0].name)
    )
    return [answer.tobytes() for answer in answers]


def _rows(count: int) -> NDArray[np.float32]:
    """Spread rows over the usual ranges: fractional parts of the multiples of square roots.

    NumPy's random numbers would do as well; to import them takes 4 MB and 10 ms of a cold start.
    """
    places = np.arange(1, count + 1)[:, np.newaxis] * np.sqrt(np.arange(len(FEATURES)) + 2.5) % 1
    least, most = np.array([_usual(one) for one in FEATURES]).T
    rows: NDArray[np.float32] = (least + places * (most - least)).astype(np.float32)
    are_whole = [one.kind != "number" for one in FEATURES]
    rows[:, are_whole] = np.floor(rows[:, are_whole])
    return rows


def _usual(column: Column) -> tuple[float, float]:
    """Return a column's usual range; of a category or boolean, the places of its values."""
    if column.kind == "category":
        return 0, column.other
    return (0, 2) if column.kind == "boolean" else (column.usual_minimum, column.usual_maximum)


def _without(session: onnxruntime.InferenceSession, reason: str) -> OpenedGraph:
    return OpenedGraph(session, Trees.ONNX_RUNTIME, reason)


def _return_memory() -> None:
    """Give what loading took and freed back to the system; glibc keeps some 6 MB of it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)
