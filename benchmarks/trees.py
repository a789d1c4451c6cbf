"""``make bench-trees``: a graph with the library's trees beside the same graph with ONNX Runtime's.

Both answer the same rows in turns, on one thread, and the thread's CPU time counts: what else runs
on the machine makes both slower, and changes their ratio little.
"""

import os
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks import report
from housing.onnx_session import INPUT, open_session
from housing.tree_library import Trees, open_graph
from housing_cli.data.sources import first_data
from retrain.training.dataset.rows import Rows
from retrain.training.upload.check import check_csv

_SIZES = (1, 2, 8, 32, 100, 1_000, 10_000)
_ROWS_OF_A_SIZE = 20_000
_MOST_CALLS = 2_000
_LEAST_CALLS = 9
_Rows = NDArray[np.float32]


def main() -> None:
    """Measure, print and write down."""
    graph = Path(os.environ.get("MODEL") or "model/model.onnx").read_bytes()
    rows = _rows()
    opened = open_graph(graph)
    if opened.trees != Trees.LIBRARY:
        msg = "the library of trees does not answer: make trees, or see the log"
        raise SystemExit(msg)
    measured = {size: _in_turns(open_session(graph), opened.session, rows, size) for size in _SIZES}
    table = [
        [f"{size:,}", f"{theirs:.3f}", f"{ours:.3f}", f"{ratio:.3f}"]
        for size, (theirs, ours, ratio) in measured.items()
    ]
    headings = ["rows", "ONNX Runtime alone, CPU ms", "with the library, CPU ms", "ratio, paired"]
    text = report.table(headings, table)
    print(text)
    results = {"cpu_ms": {size: times[:2] for size, times in measured.items()}}
    report.write("trees", results, text)


def _rows() -> _Rows:
    given = os.environ.get("HOUSING_DATA")
    with TemporaryDirectory() as scratch:
        data = first_data(Path(given) if given else None, Path(scratch), fetch=lambda _: False)
        features = Rows.of(check_csv(data.path.read_bytes()).rows).features
    return features[np.random.default_rng(0).permutation(len(features))]


def _in_turns(
    plain: onnxruntime.InferenceSession, fast: onnxruntime.InferenceSession, rows: _Rows, size: int
) -> tuple[float, float, float]:
    """Return the median CPU times, in ms, and the median ratio of calls with the same rows."""
    calls = min(_MOST_CALLS, max(_LEAST_CALLS, _ROWS_OF_A_SIZE // size))
    times = []
    for call in range(calls):
        start = call * size % max(1, len(rows) - size)
        batch = {INPUT: rows[start : start + size]}
        times.append((_cpu_ms(plain, batch), _cpu_ms(fast, batch)))
    theirs, ours = (statistics.median(column) for column in zip(*times, strict=True))
    return theirs, ours, statistics.median(mine / other for other, mine in times)


def _cpu_ms(session: onnxruntime.InferenceSession, batch: dict[str, _Rows]) -> float:
    started = time.thread_time()
    session.run(None, batch)
    return (time.thread_time() - started) * 1_000


if __name__ == "__main__":
    main()
