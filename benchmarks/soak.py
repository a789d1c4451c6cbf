"""``make soak``: load for ten minutes while models are swapped and the registry goes away."""

import contextlib
import hashlib
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
import psutil
import urllib3
from mlflow import MlflowClient

from benchmarks import report
from benchmarks.contenders import CHECKOUT, VENVS
from benchmarks.load import Connection, LoadError, request_bytes
from benchmarks.model import BenchModel, make_model
from benchmarks.running import free_port
from housing.registry.port import MODEL_FILE, PRODUCTION, Tag
from housing.schema import FEATURES

_SECONDS = int(os.environ.get("SECONDS", "600"))
_SWAPS, _OUTAGES, _CLIENTS = 20, 3, 4
_OUTAGE_SECONDS = 12.0
_PAUSE_SECONDS = 0.004  # a few hundred requests a second: the other core runs MLflow
_NAME = "california-housing"
_SOURCES = ":".join(str(CHECKOUT / part) for part in ("functions", "layers/shared", ""))
_BODY = str({column.name: column.example for column in FEATURES}).replace("'", '"').encode()


@dataclass
class Seen:
    """Responses as the clients received them."""

    answers: Counter[str] = field(default_factory=Counter)
    stale: int = 0
    failures: list[str] = field(default_factory=list)
    slowest_ms: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: int, body: bytes, milliseconds: float) -> None:
        """Count one answer."""
        with self.lock:
            self.slowest_ms = max(self.slowest_ms, milliseconds)
            if status != 200:  # noqa: PLR2004 - HTTP OK
                self.failures.append(f"{status}: {body[:200]!r}")
                return
            self.answers[body.split(b'"model_version":"')[1].split(b'"')[0].decode()] += 1
            self.stale += b'"stale":true' in body


def main() -> None:
    """Run, print and write down; exit with 1 if a request failed."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model = make_model(folder)
        results = _soak(model, folder)
    text = _text(results)
    print(text)
    report.write("soak", results, text)
    if results["failed"]:
        raise SystemExit("\n".join(results["failures"]))


def _soak(model: BenchModel, folder: Path) -> dict[str, Any]:
    port, mlflow_port = free_port(), free_port()
    uri = f"http://127.0.0.1:{mlflow_port}"
    seen, stop, memory = Seen(), threading.Event(), list[float]()
    with contextlib.ExitStack() as stack:
        registry = stack.enter_context(_program(_mlflow(mlflow_port, folder), folder, "mlflow"))
        _await(f"{uri}/health")
        _swap(uri, model, folder, 0)
        service = stack.enter_context(_program(_service(port), folder, "service", uri))
        _await(f"http://127.0.0.1:{port}/health")
        clients = [
            threading.Thread(target=_client, args=(port, seen, stop)) for _ in range(_CLIENTS)
        ]
        for client in clients:
            client.start()
        try:
            outages = _events(uri, model, folder, service.pid, memory, registry, mlflow_port)
        finally:
            stop.set()
            for client in clients:
                client.join(timeout=30)
    tenth = max(1, len(memory) // 10)
    tenths = [statistics.median(memory[part * tenth :][:tenth]) for part in range(10)]
    return {
        "seconds": _SECONDS,
        "requests": sum(seen.answers.values()) + len(seen.failures),
        "failed": len(seen.failures),
        "failures": seen.failures[:5],
        "slowest_ms": round(seen.slowest_ms, 1),
        "versions_seen": len(seen.answers),
        "answers_marked_stale": seen.stale,
        "outages": outages,
        "rss_mb_by_tenth": [round(megabytes) for megabytes in tenths],
    }


def _events(  # noqa: PLR0913, PLR0917 - the parts of one run
    uri: str,
    model: BenchModel,
    folder: Path,
    service_pid: int,
    memory: list[float],
    registry: "psutil.Process",
    mlflow_port: int,
) -> int:
    """Swap and kill on a plan, and sample the memory, until the time is over."""
    started = time.monotonic()
    swaps = [_SECONDS * (number + 1) / (_SWAPS + 1) for number in range(_SWAPS)]
    outages = [_SECONDS * (number + 0.6) / _OUTAGES for number in range(_OUTAGES)]
    number, done = 0, 0
    process = psutil.Process(service_pid)
    with contextlib.ExitStack() as stack:
        while (now := time.monotonic() - started) < _SECONDS:
            memory.append(process.memory_info().rss / 1e6)
            if swaps and now >= swaps[0]:
                swaps.pop(0)
                number += 1
                _swap(uri, model, folder, number)
            if outages and now >= outages[0]:
                outages.pop(0)
                done += 1
                _kill(registry)
                time.sleep(min(_OUTAGE_SECONDS, _SECONDS / 20))
                command = _mlflow(mlflow_port, folder)
                registry = stack.enter_context(_program(command, folder, "mlflow"))
                _await(f"{uri}/health")
            time.sleep(0.5)
    return done


def _client(port: int, seen: Seen, stop: threading.Event) -> None:
    request = request_bytes(port, "/predict", _BODY, {})
    with Connection(port) as connection:
        while not stop.is_set():
            started = time.perf_counter()
            try:
                status, body = connection.send(request)
            except (LoadError, OSError) as exc:
                seen.add(0, repr(exc).encode(), 0.0)
                return
            seen.add(status, body, (time.perf_counter() - started) * 1_000)
            time.sleep(_PAUSE_SECONDS)


def _swap(uri: str, model: BenchModel, folder: Path, number: int) -> None:
    """Register the model once more, as a file of another digest, and move the alias to it."""
    graph = onnx.load(model.graph)
    graph.doc_string = f"swap {number}"
    content = graph.SerializeToString()
    upload = folder / "upload"
    upload.mkdir(exist_ok=True)
    (upload / MODEL_FILE).write_bytes(content)
    client = MlflowClient(tracking_uri=uri)
    if not client.search_registered_models(f"name='{_NAME}'"):
        client.create_registered_model(_NAME)
    run = client.create_run("0")
    logged = client.create_logged_model("0", name="model", source_run_id=run.info.run_id)
    client.log_model_artifacts(logged.model_id, str(upload))
    client.finalize_logged_model(logged.model_id, "READY")
    tags = {Tag.SHA256: hashlib.sha256(content).hexdigest()}
    version = client.create_model_version(
        _NAME, f"models:/{logged.model_id}", run.info.run_id, tags, model_id=logged.model_id
    )
    client.set_registered_model_alias(_NAME, PRODUCTION, version.version)


def _mlflow(port: int, folder: Path) -> list[str]:
    return [
        *(str(VENVS / "local/bin/python"), "-m", "mlflow", "server"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
        *("--artifacts-destination", str(folder / "artifacts"), "--serve-artifacts"),
    ]


def _service(port: int) -> list[str]:
    return [
        *(str(VENVS / "bench-ours/bin/python"), "-m", "uvicorn", "--factory"),
        *("predict.http.app:application", "--host", "127.0.0.1", "--port", str(port)),
        *("--no-access-log", "--log-level", "warning"),
    ]


@contextlib.contextmanager
def _program(
    command: list[str], folder: Path, name: str, uri: str = ""
) -> Iterator[psutil.Process]:
    environment = {
        **{kept: os.environ[kept] for kept in ("PATH", "HOME") if kept in os.environ},
        "PYTHONPATH": _SOURCES,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_TRACKING_URI": uri,
        "HOUSING_AUTH": "off",
        "HOUSING_MODEL_TTL_SECONDS": "1",
        "HOUSING_MODEL_DIR": str(folder / "served"),
    }
    with (folder / f"{name}.log").open("ab") as log:
        started = subprocess.Popen(  # noqa: S603 - this project's own programs
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    process = psutil.Process(started.pid)
    try:
        yield process
    finally:
        _kill(process)
        started.wait(timeout=10)


def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        for member in [*process.children(recursive=True), process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()


def _await(url: str) -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            if urllib3.request("GET", url, timeout=2, retries=False).status == 200:  # noqa: PLR2004
                return
        except urllib3.exceptions.HTTPError:
            pass
        if time.monotonic() > deadline:
            msg = f"{url} did not come up"
            raise SystemExit(msg)
        time.sleep(0.2)


def _text(results: dict[str, Any]) -> str:
    rows = [[name.replace("_", " "), str(value)] for name, value in results.items() if value != []]
    return report.table(["", ""], rows)


if __name__ == "__main__":
    main()
