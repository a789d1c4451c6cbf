"""MLflow's tracking server and its model server."""

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from housing.registry.port import MODEL_FILE, PRODUCTION, Tag
from servers.running import Server, free_port

_MLFLOW = (sys.executable, "-m", "mlflow")
SERVER_PYTHON = Path(os.environ.get("HOUSING_MLFLOW_SERVER", sys.executable))
"""Interpreter whose MLflow is the server; another release's in ``make test-mlflow-servers``."""
_NO_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
"""Without, the server starts seven more processes, for 20 s of CPU."""


class TrackingServer(Server):
    """A tracking server on SQLite."""

    def promote(self, model: bytes, *, name: str) -> str:
        """Register a model and give it the alias, as anybody does with MLflow's own client."""
        from mlflow import MlflowClient  # noqa: PLC0415 - takes seconds

        version = self.register(model, name=name)
        MlflowClient(tracking_uri=self.uri).set_registered_model_alias(name, PRODUCTION, version)
        return version

    def register(self, model: bytes, *, name: str) -> str:
        """Register a model."""
        from mlflow import MlflowClient  # noqa: PLC0415 - takes seconds

        client = MlflowClient(tracking_uri=self.uri)
        if not client.search_registered_models(f"name='{name}'"):
            client.create_registered_model(name)
        run = client.create_run("0")
        logged = client.create_logged_model("0", name="model", source_run_id=run.info.run_id)
        with TemporaryDirectory() as folder:
            Path(folder, MODEL_FILE).write_bytes(model)
            client.log_model_artifacts(logged.model_id, folder)
        client.finalize_logged_model(logged.model_id, "READY")
        tags = {Tag.SHA256: hashlib.sha256(model).hexdigest()}
        version = client.create_model_version(
            name, f"models:/{logged.model_id}", run.info.run_id, tags, model_id=logged.model_id
        )
        return str(version.version)


@contextmanager
def tracking_server(
    folder: Path,
    *,
    direct_artifacts: str | None = None,
    served_artifacts: str | None = None,
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[TrackingServer]:
    """Run a tracking server.

    Args:
        folder: Where it keeps everything.
        served_artifacts: Where it keeps the artifacts that it passes on, if not in the folder.
        options: More options of ``mlflow server``.
        direct_artifacts: A location that clients read and write themselves, such as ``s3://…``;
            without, the server passes artifacts on.
        environment: More variables for it.
    """
    port = free_port()
    artifacts = (
        ("--default-artifact-root", direct_artifacts, "--no-serve-artifacts")
        if direct_artifacts
        else (
            *("--artifacts-destination", served_artifacts or str(folder / "artifacts")),
            "--serve-artifacts",
        )
    )
    command = [
        *(str(SERVER_PYTHON), "-m", "mlflow", "server"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
        *artifacts,
        *options,
    ]
    server = TrackingServer(command, port=port, folder=folder)
    try:
        server.start({**_NO_JOBS, **(environment or {})})
        server.wait_until_up()
        yield server
    finally:
        server.stop()


@contextmanager
def model_server(model: Path) -> Iterator[Server]:
    """Run ``mlflow models serve`` for a model that was saved to this folder."""
    port = free_port()
    command = [
        *(*_MLFLOW, "models", "serve", "--model-uri", str(model), "--env-manager", "local"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
    ]
    server = Server(command, port=port, folder=model.parent)
    programs = Path(sys.executable).parent  # it starts uvicorn by its name
    try:
        server.start({"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"})
        server.wait_until_up()
        yield server
    finally:
        server.stop()
