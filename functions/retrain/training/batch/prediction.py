"""Predict the rows of a CSV of any size, a few thousand at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from housing.onnx_session import NEAREST_KM, ONNX_ERRORS, OUTPUTS, graph_inputs
from housing.schema import FEATURE_NAMES, SUBJECT, TARGET
from housing.tree_library import open_graph
from retrain.training.batch.output import Columns, check_suffix, written
from retrain.training.dataset.rows import Values
from retrain.training.errors import ModelLoadError
from retrain.training.model.metric import IS_CLASSIFICATION
from retrain.training.upload.cell_check import Problem
from retrain.training.upload.check import CheckedBlock, check_stream
from retrain.training.upload.encoding import Readable
from retrain.training.upload.fetch import opened
from retrain.training.upload.limits import Limits

ROW = "row"
"""Column of the output: the row's number in the file, from 1 on, as problems name it."""
_RUN_ROWS = 4_096
"""Of a run of the graph, whose values take some 5 kB a row."""
_LARGEST_FILE = 1 << 50
_LIMITS = Limits(max_bytes=_LARGEST_FILE, max_unpacked_bytes=_LARGEST_FILE, max_bad_rows_share=1)


@dataclass(frozen=True, slots=True)
class FilePredictions:
    """What was made of a file.

    Attributes:
        read: Rows of the file.
        predicted: Rows of the output.
        problems: Problems of the first bad rows.
        problems_total: Number of problems.
        remarks: Everything unusual about the file.
        trees: Which trees answered.
    """

    read: int
    predicted: int
    problems: list[Problem]
    problems_total: int
    remarks: list[str]
    trees: str


def predict_file(
    source: Path,
    out: Path,
    model: bytes,
    *,
    proof: str | None = None,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> FilePredictions:
    """Predict each good row of a CSV, in the file's order; a bad one is left out and reported.

    Args:
        source: The CSV, which may be packed; the target is not needed, and is ignored.
        out: The Parquet or CSV file to write.
        model: The version's graph.
        proof: Identity of the tree library that the version's job compared on the graph.
        on_bytes: Called with the number of the file's bytes that were read by now.

    Raises:
        UploadRejectedError: It is not a CSV of this subject, or no row of it is good.
        ModelLoadError: The graph cannot be run.
        OutputError: The output cannot be written; there is none then.
        OSError: The file cannot be read.
    """
    check_suffix(out)
    try:
        graph = open_graph(model, proof=proof)
    except ONNX_ERRORS as exc:
        msg = "the model file is not a graph that ONNX Runtime can load"
        raise ModelLoadError(msg) from exc
    run = _Run(graph.session)
    predicted = 0
    with opened(source, _LIMITS) as (stream, bounds), written(out, run.schema) as write:
        counted = _Counted(stream, on_bytes)
        findings, blocks = check_stream(counted, bounds, has_target=False)
        for numbers, rows in _batches(blocks):
            write({ROW: numbers, **run.answers(rows)})
            predicted += len(rows)
    return FilePredictions(
        read=findings.read,
        predicted=predicted,
        problems=findings.problems,
        problems_total=findings.problems_total,
        remarks=findings.remarks,
        trees=graph.trees,
    )


class _Counted:
    """Counts the bytes that are read of a stream."""

    def __init__(self, stream: Readable, on_bytes: Callable[[int], None]) -> None:
        self._stream, self._on_bytes = stream, on_bytes
        self._read = 0

    def read(self, size: int, /) -> bytes:
        piece = self._stream.read(size)
        self._read += len(piece)
        self._on_bytes(self._read)
        return piece


class _Run:
    """Runs a graph, and names its answers."""

    def __init__(self, session: InferenceSession) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        has_distance = NEAREST_KM in {one.name for one in session.get_outputs()}
        self._outputs = [*OUTPUTS, *([NEAREST_KM] if has_distance else [])]
        labels = [pa.field(TARGET.name, pa.bool_())] if IS_CLASSIFICATION else []
        floats = [pa.field(name, pa.float32()) for name in self._outputs]
        self.schema = pa.schema([pa.field(ROW, pa.int64()), *floats, *labels])

    def answers(self, rows: Values) -> Columns:
        """Return the columns of the output but the first.

        Raises:
            ModelLoadError: The graph cannot be run, or answers a row with no number.
        """
        try:
            answers = self._session.run(
                self._outputs, graph_inputs(rows[:, : len(FEATURE_NAMES)], self._input)
            )
        except (*ONNX_ERRORS, ValueError) as exc:
            msg = "the model file is not a graph that ONNX Runtime can run on the rows"
            raise ModelLoadError(msg) from exc
        columns = {
            name: np.ravel(answer) for name, answer in zip(self._outputs, answers, strict=True)
        }
        if any(len(one) != len(rows) or not np.isfinite(one).all() for one in columns.values()):
            msg = "the model does not return one finite number for each row"
            raise ModelLoadError(msg)
        if IS_CLASSIFICATION:
            columns[TARGET.name] = columns[OUTPUTS[0]] >= np.float32(SUBJECT.threshold)
        return columns


def _batches(blocks: Iterator[CheckedBlock]) -> Iterator[tuple[NDArray[np.int64], Values]]:
    """Yield the good rows with their numbers, a few thousand at a time."""
    first = 1
    for block in blocks:
        count = len(block.rows) + len(block.bad_lines)
        is_bad = np.zeros(count, bool)
        is_bad[[line.row - first for line in block.bad_lines]] = True
        numbers = np.flatnonzero(~is_bad) + first
        first += count
        for start in range(0, len(numbers), _RUN_ROWS):
            yield numbers[start : start + _RUN_ROWS], block.rows[start : start + _RUN_ROWS]
