"""``make bench-serve``: this service beside the floor and its peers, one model, one run."""

import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.contenders import CHECKOUT, FLOOR, OURS, OURS_MLFLOW, VENVS, Rows, contenders
from benchmarks.load import latencies_ms, percentile, request_bytes, requests_per_second
from benchmarks.model import BenchModel, make_model
from benchmarks.running import Running, StartError, running

_ROUNDS = int(os.environ.get("ROUNDS", "5"))
_REQUESTS = {1: 300, 100: 100, 1_000: 40}
_TURNS = 10
"""In so many parts each contender's requests are sent, all contenders in turn: where a machine is a
tenth faster for some seconds, all of them have that."""
_WARM_UP = 5
_THROUGHPUT_SECONDS = 3
_OURS = (OURS, OURS_MLFLOW)


@dataclass
class Measures:
    """Measurements of one contender, over all rounds."""

    p50: dict[int, list[float]] = field(default_factory=lambda: {size: [] for size in _REQUESTS})
    p99: dict[int, list[float]] = field(default_factory=lambda: {size: [] for size in _REQUESTS})
    rate: list[float] = field(default_factory=list)
    rss_mb: float = 0.0

    def summary(self) -> dict[str, Any]:
        """Return medians over the rounds."""
        median = statistics.median
        return {
            "p50_ms": {size: round(median(times), 3) for size, times in self.p50.items()},
            "p99_ms": {size: round(median(times), 3) for size, times in self.p99.items()},
            "requests_per_second": round(median(self.rate), 1),
            "rss_mb": round(self.rss_mb, 1),
        }


def main() -> None:
    """Measure, print and write down."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        print("making the model …", flush=True)
        model = make_model(folder)
        in_process = _in_process(model, folder)
        measured, absent = _serve(model, folder)
    servers_summary = {name: measures.summary() for name, measures in measured.items()}
    results = {
        "model": f"HGB of 400 trees, {model.source}",
        "rounds": _ROUNDS,
        "in_process": in_process,
        "servers": servers_summary,
        "absent": absent,
    }
    text = _text(results)
    print(text)
    report.write("serve", results, text)


def _in_process(model: BenchModel, folder: Path) -> dict[str, Any]:
    print("in process: lambda_handler beside the bare run …", flush=True)
    rows = folder / "rows.npy"
    np.save(rows, model.unseen)
    sources = ":".join(str(CHECKOUT / part) for part in ("functions", "layers/shared", ""))
    done = subprocess.run(  # noqa: S603 - this project's own program
        [VENVS / "bench-ours/bin/python", "-m", "benchmarks.inprocess", model.graph, rows],
        env={"PYTHONPATH": sources, "PATH": os.environ["PATH"]},
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    try:
        measures: dict[str, Any] = json.loads(done.stderr)
    except ValueError:
        raise SystemExit(done.stderr.decode()) from None
    return measures


def _serve(model: BenchModel, folder: Path) -> tuple[dict[str, Measures], dict[str, str]]:
    measured: dict[str, Measures] = {}
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        servers = []
        for contender in contenders(model, folder):
            print(f"starting {contender.name} …", flush=True)
            if not contender.is_installed():
                absent[contender.name] = f"the environment {contender.environment} is missing"
                continue
            try:
                servers.append(stack.enter_context(running(contender, model, folder)))
            except StartError as exc:
                absent[contender.name] = str(exc).splitlines()[0]
                print(exc, flush=True)
        for number in range(_ROUNDS):
            print(f"round {number + 1} of {_ROUNDS} …", flush=True)
            _measure(servers, model, measured, folder)
        for server in servers:
            measured[server.contender.name].rss_mb = server.rss_mb()
    return measured, absent


def _measure(
    servers: list[Running], model: BenchModel, measured: dict[str, Measures], folder: Path
) -> None:
    for size, count in _REQUESTS.items():
        latencies: dict[str, list[float]] = {server.contender.name: [] for server in servers}
        starts = [(index * size) % (len(model.unseen) - size) for index in range(count)]
        for turn in range(_TURNS):
            for server in servers:
                parts = [model.unseen[start : start + size] for start in starts[turn::_TURNS]]
                requests = [_request(server, part) for part in parts]
                times = latencies_ms(server.port, requests, warm_up=_WARM_UP)
                latencies[server.contender.name] += times
        for name, times in latencies.items():
            measures = measured.setdefault(name, Measures())
            measures.p50[size].append(percentile(times, 50))
            measures.p99[size].append(percentile(times, 99))
    for server in servers:
        path, body = server.contender.request(model.unseen[:1])
        rate = requests_per_second(
            server.port,
            path,
            body,
            server.contender.headers,
            seconds=_THROUGHPUT_SECONDS,
            folder=folder,
        )
        measured[server.contender.name].rate.append(rate)


def _request(server: Running, rows: Rows) -> bytes:
    path, body = server.contender.request(rows)
    return request_bytes(server.port, path, body, server.contender.headers)


def _text(results: dict[str, Any]) -> str:
    servers = results["servers"]
    rows = [
        [
            name,
            *(
                f"{summary['p50_ms'][size]:.2f} / {summary['p99_ms'][size]:.2f}"
                for size in _REQUESTS
            ),
            f"{summary['requests_per_second']:,.0f}",
            f"{summary['rss_mb']:.0f}",
        ]
        for name, summary in servers.items()
    ]
    sizes = [f"{size:,} row{'s' if size > 1 else ''}, p50 / p99 ms" for size in _REQUESTS]
    headings = ["server", *sizes, "requests/s, 1 row", "memory, MB"]
    parts = [
        f"Model: {results['model']}. Medians of {results['rounds']} rounds.",
        f"Trees of this service and of the floor: {results['in_process']['trees']}.",
        report.table(headings, rows),
        *(f"Not measured: {name}: {why}." for name, why in results["absent"].items()),
        _ratios(servers),
        _in_process_text(results["in_process"]),
    ]
    return "\n\n".join(parts)


def _ratios(servers: dict[str, Any]) -> str:
    peers = {name: summary for name, summary in servers.items() if name not in (*_OURS, FLOOR)}
    headings, rows = [""], []
    for name in _OURS:
        headings += [f"{name} ÷ floor", "times better than the best peer"]
    for what, of, is_more_better in _figures():
        row = [what]
        choose = max if is_more_better else min
        best = choose(peers, key=lambda name, of=of: of(peers[name]))  # type: ignore[misc]
        for name in _OURS:
            mine, theirs = of(servers[name]), of(peers[best])
            times = mine / theirs if is_more_better else theirs / mine
            row += [f"{mine / of(servers[FLOOR]):.2f}", f"{times:.2f} ({best})"]
        rows.append(row)
    return report.table(headings, rows)


def _figures() -> Iterator[tuple[str, Callable[[Any], float], bool]]:
    for size in _REQUESTS:
        for kind in ("p50_ms", "p99_ms"):
            yield f"{size:,} rows, {kind[:3]}", _latency(kind, size), False
    yield "requests/s", lambda summary: float(summary["requests_per_second"]), True


def _latency(kind: str, size: int) -> Callable[[Any], float]:
    return lambda summary: float(summary[kind][size])


def _in_process_text(in_process: dict[str, Any]) -> str:
    rows = []
    for count in map(str, (1, 1_000)):
        measures = in_process[count]
        bare, entry = measures["bare_run_us"], measures["lambda_handler_us"]
        rows.append(
            [
                f"{int(count):,}",
                f"{bare['p50']} / {bare['p99']}",
                f"{entry['p50']} / {entry['p99']}",
                f"{entry['p50'] / bare['p50']:.2f}",
                f"{entry['p99'] / entry['p50']:.2f}",
            ]
        )
    headings = ["rows", "bare run, p50 / p99 µs", "`lambda_handler`, p50 / p99 µs"]
    return report.table([*headings, "p50 ÷ bare p50", "p99 ÷ p50"], rows)


if __name__ == "__main__":
    main()
