"""The measured servers: how each is started, and the same rows in its own protocol."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from housing.schema import FEATURE_NAMES

if TYPE_CHECKING:  # it imports mlflow, which not every environment has
    from benchmarks.model import BenchModel

CHECKOUT = Path(__file__).parents[1]
VENVS = CHECKOUT / ".venvs"
KEY = "a-key-for-benchmarks-only"
OURS, FLOOR = "this service", "floor"
OURS_MLFLOW = "this service, MLflow's protocol"
Rows = NDArray[np.float64]
Request = tuple[str, bytes]
"""A path and a body."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One server: its command, with ``{port}`` in it, and the request for given rows."""

    name: str
    environment: str
    command: tuple[str, ...]
    request: Callable[[Rows], Request]
    variables: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def bin(self) -> Path:
        """Folder of the environment's programs."""
        return VENVS / self.environment / "bin"

    def is_installed(self) -> bool:
        """Whether its environment exists."""
        return (VENVS / self.environment / ".ready").exists()

    def variables_for(self, model: "BenchModel") -> dict[str, str]:
        """Return its whole environment."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        return {
            **kept,
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "BENCH_MODEL": str(model.graph),
            "BENCH_KEY": KEY,
            "OMP_NUM_THREADS": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "BENTOML_DO_NOT_TRACK": "True",
            **self.variables,
        }


def contenders(model: "BenchModel", folder: Path) -> list[Contender]:
    """Return all, the floor and this service first."""
    sources = ":".join(str(CHECKOUT / part) for part in ("functions", "layers/shared", ""))
    _write_mlserver_settings(folder)
    return [
        Contender(
            FLOOR,
            "bench-ours",
            _uvicorn("benchmarks.servers.floor:create_app"),
            _our_request,
            variables={"PYTHONPATH": sources},
        ),
        Contender(
            OURS,
            "bench-ours",
            _uvicorn("benchmarks.servers.ours:create_app"),
            _our_request,
            variables={"PYTHONPATH": sources},
            headers={"x-api-key": KEY},
        ),
        Contender(
            OURS_MLFLOW,
            "bench-ours",
            _uvicorn("benchmarks.servers.ours:create_app"),
            _mlflow_request,
            variables={"PYTHONPATH": sources},
            headers={"x-api-key": KEY},
        ),
        Contender(
            "FastAPI, LightGBM",
            "bench-python",
            _uvicorn("benchmarks.servers.lightgbm_api:create_app"),
            lambda rows: ("/predict", _json({"instances": rows.tolist()})),
            variables={"PYTHONPATH": str(CHECKOUT), "BENCH_LIGHTGBM": str(model.lightgbm)},
        ),
        Contender(
            "gunicorn, scikit-learn",
            "bench-python",
            (
                *("gunicorn", "benchmarks.servers.sklearn_wsgi:create_app()", "--workers", "1"),
                *(
                    "--worker-class",
                    "gthread",
                    "--threads",
                    "1",
                ),  # the plain one keeps no connection
                *("--bind", "127.0.0.1:{port}", "--keep-alive", "60", "--log-level", "warning"),
            ),
            lambda rows: ("/invocations", _json({"instances": rows.tolist()})),
            variables={"PYTHONPATH": str(CHECKOUT), "BENCH_PICKLE": str(model.pickle)},
        ),
        Contender(
            "LitServe",
            "bench-litserve",
            ("python", str(CHECKOUT / "benchmarks/servers/litserve_api.py"), "--port", "{port}"),
            lambda rows: ("/predict", _json({"instances": rows.tolist()})),
        ),
        Contender(
            "BentoML",
            "bench-bentoml",
            (
                *("bentoml", "serve", "benchmarks.servers.bentoml_service:Housing"),
                *("--host", "127.0.0.1", "--port", "{port}"),
            ),
            lambda rows: ("/predict", _json({"rows": rows.tolist()})),
            variables={"PYTHONPATH": str(CHECKOUT)},
        ),
        Contender(
            "MLServer",
            "bench-mlserver",
            ("mlserver", "start", str(folder / "mlserver")),
            _v2_request,
            variables={
                "PYTHONPATH": str(CHECKOUT),
                "MLSERVER_HTTP_PORT": "{port}",
                "MLSERVER_GRPC_PORT": "{port+1}",
                "MLSERVER_METRICS_PORT": "{port+2}",
            },
        ),
        Contender(
            "MLflow, onnx",
            "local",
            _mlflow(model.onnx_flavour),
            _mlflow_request,
        ),
        Contender(
            "MLflow, sklearn",
            "local",
            _mlflow(model.sklearn_flavour),
            lambda rows: ("/invocations", _json({"inputs": rows.tolist()})),
            variables={"PYTHONPATH": sources},
        ),
    ]


def _uvicorn(factory: str) -> tuple[str, ...]:
    return (
        *("python", "-m", "uvicorn", "--factory", factory, "--host", "127.0.0.1"),
        *("--port", "{port}", "--no-access-log", "--log-level", "warning"),
    )


def _mlflow(path: Path) -> tuple[str, ...]:
    return (
        *("mlflow", "models", "serve", "--model-uri", str(path), "--env-manager", "local"),
        *("--host", "127.0.0.1", "--port", "{port}", "--workers", "1"),
    )


def _our_request(rows: Rows) -> Request:
    named = [dict(zip(FEATURE_NAMES, row, strict=True)) for row in rows.tolist()]
    if len(named) == 1:
        return "/predict", _json(named[0])
    return "/predict/batch", _json({"instances": named})


def _mlflow_request(rows: Rows) -> Request:
    split = {"columns": list(FEATURE_NAMES), "data": rows.tolist()}
    return "/invocations", _json({"dataframe_split": split})


def _v2_request(rows: Rows) -> Request:
    tensor = {
        "name": "features",
        "shape": list(rows.shape),
        "datatype": "FP32",
        "data": rows.ravel().tolist(),
    }
    return "/v2/models/housing/infer", _json({"inputs": [tensor]})


def _json(document: Any) -> bytes:
    return json.dumps(document).encode()


def _write_mlserver_settings(folder: Path) -> None:
    """Write what MLServer reads from files: one process, loopback."""
    place = folder / "mlserver"
    place.mkdir()
    settings = {"host": "127.0.0.1", "parallel_workers": 0, "debug": False}
    (place / "settings.json").write_text(json.dumps(settings))
    model = {
        "name": "housing",
        "implementation": "benchmarks.servers.mlserver_runtime.Housing",
    }
    (place / "model-settings.json").write_text(json.dumps(model))
