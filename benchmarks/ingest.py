"""``make bench-ingest``: an upload's check beside ``pandas.read_csv``, and its memory.

Each round times both on one file, one after the other; what counts is the median of the rounds'
ratios. The large file is checked by a process of its own, whose largest resident set is what the
kernel says of it.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow.csv import WriteOptions, write_csv

from benchmarks import report
from housing.schema import CANONICAL_COLUMNS
from retrain.training.dataset.identity import PointIndex, positions
from retrain.training.dataset.rows import Values, hash_rows
from retrain.training.upload.check import check_stream
from retrain.training.upload.ingest import check_file
from retrain.training.upload.limits import Limits
from retrain.training.upload.report import Report

_ROWS = 1_000_000
_ROUNDS = int(os.environ.get("ROUNDS", "7"))
_GIGABYTES = float(os.environ.get("GB", "2"))
_BATCH_ROWS = 100_000
_BAD_CELLS = ("-500", "", "abc")
_DECIMALS = (4, 0, 6, 6, 0, 6, 2, 2, 3)
_LIMITS = Limits(max_bytes=1 << 40, max_unpacked_bytes=1, max_bad_rows_share=0.1)


def main() -> None:
    """Measure, print and write down; or, for a file that is named, only check it."""
    if len(sys.argv) > 1:
        alone = {"check": _check_alone, "match": _match_alone}[sys.argv[1]]
        print(json.dumps(alone(Path(sys.argv[2]))))
        return
    with TemporaryDirectory(prefix="bench-ingest-") as folder:
        results = {"rows": _ROWS, "rounds": _ROUNDS, "times": _times(Path(folder, "rows.csv"))}
        results["match"] = _alone("match", Path(folder, "rows.csv"))
        results["large"] = _large(Path(folder, "large.csv"))
    text = _text(results)
    print(text)
    report.write("ingest", results, text)


def _times(path: Path) -> dict[str, Any]:
    _write(path, rows=_ROWS)
    seconds: dict[str, list[float]] = {name: [] for name in ("pandas", *_WHAT)}
    for _ in range(_ROUNDS):
        seconds["pandas"].append(_seconds(pd.read_csv, path))
        for name, (_, check) in _WHAT.items():
            seconds[name].append(_seconds(check, path))
    ratios = {
        name: [ours / theirs for ours, theirs in zip(seconds[name], seconds["pandas"], strict=True)]
        for name in _WHAT
    }
    return {"megabytes": path.stat().st_size / 1e6, "seconds": seconds, "ratios": ratios}


def _check(path: Path, each: Callable[[Values], Any] = len) -> None:
    """Check a file and write its report."""
    with path.open("rb") as stream:
        findings, blocks = check_stream(stream)
        for block in blocks:
            each(block.rows)
    upload_report = Report(
        "bench", path.name, "", rejected_whole=False, rows_read=findings.read,
        rows_rejected=findings.bad, problems=findings.problems,
    )  # fmt: skip
    upload_report.as_json()
    upload_report.as_markdown()


def _check_and_hash(path: Path) -> None:
    """Check a file, name each of its rows by its hash and write its report."""
    _check(path, hash_rows)


def _to_disk(path: Path) -> None:
    """Do all that the job does between fetching the file and sending its part."""
    with TemporaryDirectory(prefix="bench-ingest-") as folder:
        check_file(path, Path(folder), _LIMITS)


_WHAT: dict[str, tuple[str, Callable[[Path], None]]] = {
    "check": ("bytes → checked rows, the report", _check),
    "hashed": ("the same, and a hash that names each row", _check_and_hash),
    "part": ("all: the same, distinct and sorted through files, in Parquet", _to_disk),
}


def _seconds(work: Callable[[Path], Any], path: Path) -> float:
    started = time.perf_counter()
    work(path)
    return time.perf_counter() - started


def _large(path: Path) -> dict[str, Any]:
    _write(path, size=int(_GIGABYTES * 1e9))
    return _alone("check", path) | {"gigabytes": path.stat().st_size / 1e9}


def _alone(what: str, path: Path) -> dict[str, Any]:
    """Measure a file in a process of its own, so that its memory is its own, too."""
    command = [sys.executable, "-m", "benchmarks.ingest", what, str(path)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    measured: dict[str, Any] = json.loads(answer.stdout)
    return measured


def _match_alone(path: Path) -> dict[str, Any]:
    """Match a file's rows, written with four digits, with the rows as they are in a data set."""
    started = time.process_time()
    with path.open("rb") as stream:
        rows = np.concatenate([block.rows for block in check_stream(stream)[1]])
    check_seconds = time.process_time() - started
    digits = 10.0 ** (3 - np.floor(np.log10(np.maximum(np.abs(rows), 1e-9))))
    again = np.round(rows * digits) / digits
    del digits
    started = time.process_time()
    index = PointIndex()
    index.add(positions(rows))
    at = index.find(positions(again))
    return {
        "rows": len(rows),
        "check_seconds": check_seconds,
        "match_seconds": time.process_time() - started,
        "matched": float((at == np.arange(len(rows))).mean()),
        "peak_megabytes": _peak_megabytes(),
    }


def _check_alone(path: Path) -> dict[str, Any]:
    idle = _peak_megabytes()
    started = time.perf_counter()
    with TemporaryDirectory(prefix="bench-ingest-") as folder:
        findings, part = check_file(path, Path(folder), _LIMITS)
    return {
        "seconds": time.perf_counter() - started,
        "rows": findings.read,
        "bad": findings.bad,
        "distinct": part.rows,
        "peak_megabytes": _peak_megabytes(),
        "imported_megabytes": idle,
    }


def _peak_megabytes() -> float:
    """Read what getrusage does not know: its maximum is at least that of the parent process."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _write(path: Path, *, rows: int | None = None, size: int | None = None) -> None:
    """Write a file of made-up rows under the canonical header, one in a hundred of them bad."""
    rng = np.random.default_rng(0)
    written = 0
    with path.open("wb") as file:
        file.write(",".join(column.name for column in CANONICAL_COLUMNS).encode() + b"\n")
        while (written < rows) if rows else (file.tell() < (size or 0)):
            write_csv(_table(rng), file, WriteOptions(include_header=False, quoting_style="none"))
            written += _BATCH_ROWS


def _table(rng: np.random.Generator) -> pa.Table:
    columns = [
        rng.uniform(column.usual_minimum, column.usual_maximum, _BATCH_ROWS).round(decimals)
        for column, decimals in zip(CANONICAL_COLUMNS, _DECIMALS, strict=True)
    ]
    first = list(map(str, columns[0].tolist()))
    for number, row in enumerate(range(50, _BATCH_ROWS, 100)):
        first[row] = _BAD_CELLS[number % len(_BAD_CELLS)]
    return pa.table([first, *columns[1:]], names=[column.name for column in CANONICAL_COLUMNS])


def _text(results: dict[str, Any]) -> str:
    times, large = results["times"], results["large"]
    seconds = times["seconds"]
    rows = [["`pandas.read_csv`", f"{median(seconds['pandas']):.2f}", "1"]] + [
        [what, f"{median(seconds[name]):.2f}", _spread(times["ratios"][name])]
        for name, (what, _) in _WHAT.items()
    ]
    head = (
        f"{results['rows']:,} rows, {times['megabytes']:.0f} MB, one row in a hundred bad; "
        f"{results['rounds']} rounds, in turns. Must, for the check: ≤ 3 times "
        "`pandas.read_csv`."
    )
    match = results["match"]
    ratio = match["match_seconds"] / match["check_seconds"]
    matched = (
        f"The same rows once more, with four digits, against a data set of {match['rows']:,}: "
        f"{match['matched']:.1%} find their row, in {match['match_seconds']:.1f} s of processor "
        f"time, {ratio:.2f} times the check's; {match['peak_megabytes']:.0f} MB resident at most. "
        "Must: ≤ 3 times, ≤ 800 MB."
    )
    memory = (
        f"A file of {large['gigabytes']:.2f} GB, {large['rows']:,} rows: "
        f"{large['peak_megabytes']:.0f} MB resident at most, {large['imported_megabytes']:.0f} MB "
        f"of it before the first byte is read; {large['seconds']:.0f} s. Must: ≤ 1,000 MB."
    )
    table = report.table(["", "s: median", "ratio: median (range)"], rows)
    return f"{head}\n\n{table}\n\n{matched}\n\n{memory}"


def _spread(ratios: list[float]) -> str:
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


if __name__ == "__main__":
    main()
