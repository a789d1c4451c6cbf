"""``make bench-tables``: models of two tables of others, compared with scikit-learn's own.

A process has one subject, so each table is measured in a process of its own:
``python -m benchmarks.tables SUBJECT``.
"""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from retrain.training.model.engines.engine import EngineName

_SEEDS = range(int(os.environ.get("SEEDS", "2")))
_ENGINES: tuple[EngineName, ...] = ("scikit-learn", "lightgbm")


class Wheel(NamedTuple):
    """A file of a wheel on the package index."""

    requirement: str
    sha256: str
    file: str


TABLES = {
    "diamonds": Wheel(
        "plotnine==0.15.9",
        "36f4526235b3ddd9ea379dd677093ea2ee1b58ab98adec1bde891930283448cd",
        "plotnine/data/diamonds.csv",
    ),
    "default": Wheel(
        "ISLP==0.6.0",
        "ca772cecca1747a2f84ee799a5503ddddbdf0e98f90c235494790c1d036c694b",
        "ISLP/data/Default.csv",
    ),
}


def main() -> None:
    """Fetch the tables, measure each in its process, print and write down."""
    from benchmarks import report  # noqa: PLC0415 - the measuring processes do not need it

    results: dict[str, Any] = {}
    with TemporaryDirectory() as scratch:
        for subject, wheel in TABLES.items():
            path = Path(scratch, f"{subject}.csv")
            path.write_bytes(_fetched(wheel, Path(scratch, subject)))
            answer = subprocess.run(  # noqa: S603 - this program, no shell
                [sys.executable, "-m", "benchmarks.tables", subject, path],
                env=os.environ | {"HOUSING_SUBJECT": subject},
                stdout=subprocess.PIPE,
                check=True,
            )
            results[subject] = json.loads(answer.stdout)
    rows = [
        [subject, engine, *(f"{value:.4g}" for value in measured.values())]
        for subject, engines in results.items()
        for engine, measured in engines.items()
    ]
    headings = ["table", "engine", *next(iter(results["diamonds"].values()))]
    text = report.table(headings, rows)
    sys.stdout.write(f"{text}\n")
    report.write("tables", results, text)


def _fetched(wheel: Wheel, folder: Path) -> bytes:
    """Download a wheel, check its hash, and return the file."""
    folder.mkdir()
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "-q", "-d", str(folder)]
    subprocess.run(  # noqa: S603 - pip of this interpreter, no shell
        [sys.executable, "-m", "pip", "download", *options, "-r", str(wanted)],
        check=True,
        stdout=sys.stderr,
    )
    [archive] = folder.glob("*.whl")
    with zipfile.ZipFile(archive) as files:
        return files.read(wheel.file)


def measure(content: bytes) -> dict[str, dict[str, float]]:
    """Measure this process's subject, by engine: means over random splits, a fifth held out."""
    # These read the subject when they are imported, and the parent process has another.
    import numpy as np  # noqa: PLC0415

    from benchmarks.tables_measured import canonical, measured_split  # noqa: PLC0415

    values = canonical(io.BytesIO(content))
    return {
        engine: {name: float(np.mean([one[name] for one in splits])) for name in splits[0]}
        for engine in _ENGINES
        for splits in [[measured_split(values, engine, seed) for seed in _SEEDS]]
    }


if __name__ == "__main__":
    if len(sys.argv) > 1:
        json.dump(measure(Path(sys.argv[2]).read_bytes()), sys.stdout)
    else:
        main()
