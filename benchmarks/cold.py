"""``make bench-cold``: the first answer of a new process, under AWS's own runtime emulator."""

import json
import os
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import urllib3

from benchmarks import one_model_registry, report
from benchmarks.contenders import CHECKOUT, VENVS
from benchmarks.model import make_model
from benchmarks.running import free_port

_PAIRS = int(os.environ.get("PAIRS", "11"))
_EVENT = (CHECKOUT / "events/api-predict.ok.json").read_bytes()
_INVOKE = "2015-03-31/functions/function/invocations"
_UP_WITHIN_SECONDS = 10
_SOURCES = ":".join(str(CHECKOUT / part) for part in ("functions", "layers/shared", ""))
_OURS, _FLOOR = "predict.handler.lambda_handler", "benchmarks.servers.cold_floor.lambda_handler"
_LOAD_OURS = """
import sys, time
started = time.perf_counter()
from predict.model.predictor import Predictor
Predictor(open(sys.argv[1], "rb").read())
print(time.perf_counter() - started)
"""
_LOAD_PYFUNC = """
import sys, time
started = time.perf_counter()
import mlflow.pyfunc
mlflow.pyfunc.load_model(sys.argv[1])
print(time.perf_counter() - started)
"""


def main() -> None:
    """Measure in turns, print and write down."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model = make_model(folder)
        with one_model_registry.serving(model.graph.read_bytes()) as registry:
            ours, floor = _in_turns(
                lambda: _first_answer(_OURS, folder, registry),
                lambda: _first_answer(_FLOOR, folder, registry),
            )
        load, pyfunc = _in_turns(
            lambda: _loading(_LOAD_OURS, "functions", model.graph),
            lambda: _loading(_LOAD_PYFUNC, "local", model.onnx_flavour),
        )
    results = {
        "pairs": _PAIRS,
        "first_answer_ms": {"ours": ours, "imports_alone": floor},
        "load_ms": {"ours": load, "mlflow.pyfunc": pyfunc},
        "model": f"HGB of 400 trees, {model.source}",
    }
    text = _text(results)
    print(text)
    report.write("cold", results, text)


def _in_turns(
    first: Callable[[], float], second: Callable[[], float]
) -> tuple[dict[str, float], dict[str, float]]:
    pairs = [(first(), second()) for _ in range(_PAIRS + 1)][1:]  # the first warms the disk's cache
    return _summary([a for a, _ in pairs]), _summary([b for _, b in pairs])


def _summary(seconds: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(seconds) * 1_000, 1),
        "min": round(min(seconds) * 1_000, 1),
        "max": round(max(seconds) * 1_000, 1),
    }


def _first_answer(entry: str, folder: Path, registry: str) -> float:
    """Return the seconds from the first request to its answer, with all that comes between."""
    port, api_port = free_port(), free_port()
    (emulator,) = (VENVS / "sam").glob("lib/python3*/site-packages/samcli/local/rapid/*-x86_64")
    with tempfile.TemporaryDirectory(dir=folder) as models:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": _SOURCES,
            "MLFLOW_TRACKING_URI": registry,
            "HOUSING_AUTH": "off",
            "HOUSING_MODEL_DIR": models,
            "AWS_LAMBDA_FUNCTION_NAME": "predict",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": "29",
        }
        command = [
            *(str(emulator), "--log-level", "error"),
            *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
            *("--runtime-api-address", f"127.0.0.1:{api_port}"),
            *(str(VENVS / "functions/bin/python"), "-m", "awslambdaric", entry),
        ]
        started = subprocess.Popen(  # noqa: S603 - AWS's emulator on loopback
            command,
            env=environment,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _await_port(port)
            before = time.perf_counter()
            url = f"http://127.0.0.1:{port}/{_INVOKE}"
            answer = urllib3.request("POST", url, body=_EVENT, timeout=30, retries=False)
            seconds = time.perf_counter() - before
            _check(json.loads(answer.data))
        finally:
            _end(started)
    return seconds


def _check(answer: dict[str, Any]) -> None:
    if answer.get("statusCode") != 200:  # noqa: PLR2004 - HTTP OK
        raise SystemExit(str(answer))


def _loading(code: str, environment: str, model: Path) -> float:
    done = subprocess.run(  # noqa: S603 - this module's own code
        [VENVS / environment / "bin/python", "-c", code, model],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": _SOURCES, "HOME": os.environ["HOME"]},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.splitlines()[-1])


def _await_port(port: int) -> None:
    deadline = time.monotonic() + _UP_WITHIN_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _end(started: subprocess.Popen[bytes]) -> None:
    family = [*psutil.Process(started.pid).children(recursive=True), psutil.Process(started.pid)]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=10)
    started.wait()


def _text(results: dict[str, Any]) -> str:
    rows = []
    for what, (mine, other) in {
        "first answer: start, imports, model, prediction": ("ours", "imports_alone"),
        "loading the model in a new process": ("ours", "mlflow.pyfunc"),
    }.items():
        times = results["first_answer_ms" if other == "imports_alone" else "load_ms"]
        ours, theirs = times[mine], times[other]
        name = "`import fastapi, mangum, onnxruntime`" if other == "imports_alone" else f"`{other}`"
        rows.append(
            [
                what,
                *(f"{one['median']} ({one['min']}-{one['max']})" for one in (ours, theirs)),
                name,
                f"{ours['median'] / theirs['median']:.2f}",
            ]
        )
    headings = ["", "ours, ms: median (range)", "the other, ms", "the other", "ratio"]
    return f"{results['pairs']} pairs, in turns.\n\n{report.table(headings, rows)}"


if __name__ == "__main__":
    main()
