"""The Lambda entry itself, in this process, beside the bare run of the same graph.

Run by the ``bench-ours`` environment. Log lines go to the null device, as in Lambda they go to a
pipe; both cost one write.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.contenders import KEY
from benchmarks.servers import ours
from housing.schema import FEATURE_NAMES
from housing.tree_library import open_graph
from predict import handler

_ROUNDS = 5
_CALLS = {1: 2_000, 1_000: 60}
_CONTEXT = SimpleNamespace(aws_request_id="bench")


def main(graph: Path, rows_path: Path) -> None:
    """Print the measures as JSON on stderr."""
    os.environ["BENCH_KEY"] = KEY
    parts = ours.service(graph)
    # The composition root's real parts need a registry.
    vars(handler)["service"] = lambda: parts
    rows = np.load(rows_path)
    opened = open_graph(graph.read_bytes())
    session = opened.session
    outputs = [output.name for output in session.get_outputs()]
    results: dict[str, Any] = {"trees": opened.trees}
    for count, calls in _CALLS.items():
        batches = [rows[start : start + count] for start in range(0, len(rows) - count, count)]
        arrays = [batch.astype(np.float32) for batch in batches]
        events = [_event(batch) for batch in batches]
        bare: list[float] = []
        entry: list[float] = []
        for _ in range(_ROUNDS):
            bare += _times(arrays, calls, lambda rows: session.run(outputs, {"features": rows}))
            entry += _times(events, calls, lambda event: handler.lambda_handler(event, _CONTEXT))
        results[str(count)] = {
            "bare_run_us": _quantiles(bare),
            "lambda_handler_us": _quantiles(entry),
        }
    json.dump(results, sys.stderr)


def _event(rows: Any) -> dict[str, Any]:
    named = [dict(zip(FEATURE_NAMES, row, strict=True)) for row in rows.tolist()]
    path = "/predict" if len(named) == 1 else "/predict/batch"
    body: Any = named[0] if len(named) == 1 else {"instances": named}
    return {
        "resource": "/{proxy+}",
        "httpMethod": "POST",
        "path": path,
        "headers": {"Accept": "*/*", "Content-Type": "application/json", "x-api-key": KEY},
        "requestContext": {"requestId": "bench", "stage": "prod"},
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


def _times(inputs: list[Any], calls: int, function: Callable[[Any], Any]) -> list[float]:
    for one in inputs[:20]:
        function(one)
    times = []
    for call in range(calls):
        one = inputs[call % len(inputs)]
        started = time.perf_counter()
        function(one)
        times.append((time.perf_counter() - started) * 1e6)
    return times


def _quantiles(values: list[float]) -> dict[str, float]:
    return {
        "p50": round(float(np.percentile(values, 50)), 1),
        "p99": round(float(np.percentile(values, 99)), 1),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
