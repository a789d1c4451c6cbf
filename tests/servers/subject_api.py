"""The service of another subject, with a model that answers a constant, in a process of its own.

``python -m servers.subject_api`` serves the subject of ``HOUSING_SUBJECT`` and prints its URL.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from fakes.onnx_models import constant_model
from housing.onnx_session import OVERVIEW
from housing.schema import CANONICAL_COLUMNS
from housing_ops.checkout import CHECKOUT
from retrain.training.dataset.rows import Rows
from retrain.training.graph.overview import overview
from servers.our_api import our_api

_PATHS = ("tests", "functions", "layers/shared", "cli")
_ROWS = 200


@contextmanager
def subject_api(subject: str) -> Iterator[str]:
    """Serve a subject; yield the URL."""
    path = os.pathsep.join(str(CHECKOUT / one) for one in _PATHS)
    program = subprocess.Popen(
        [sys.executable, "-m", "servers.subject_api"],
        env=os.environ | {"HOUSING_SUBJECT": subject, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdin
    assert program.stdout
    with program:
        try:
            yield program.stdout.readline().strip()
        finally:
            program.stdin.close()  # it ends with that


def main() -> None:
    """Serve until the standard input ends."""
    random = np.random.default_rng(0)
    examples = np.array([column.example for column in CANONICAL_COLUMNS])
    rows = Rows.of(examples * random.choice([0.5, 1.0, 2.0], (_ROWS, len(examples))))
    graph = constant_model(0.25, **{OVERVIEW: overview(rows)})
    with tempfile.TemporaryDirectory() as folder, our_api(graph, Path(folder)) as url:
        print(url, flush=True)  # noqa: T201 - for the process that started this one
        sys.stdin.read()


if __name__ == "__main__":
    main()
