"""This service and MLflow's scoring server of one graph, in this process."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow.onnx
import mlflow.pyfunc
import onnx
import pytest
from mlflow.models import ModelSignature
from mlflow.pyfunc import scoring_server
from mlflow.types import ColSpec, DataType, Schema

from fakes.asgi_client import AsgiClient
from fakes.clock import FakeClock
from fakes.model_changes import no_changes
from fakes.model_store import FakeModelStore
from fakes.onnx_models import linear_model
from fakes.written_lines import WrittenLines
from housing.onnx_session import OUTPUTS
from housing.registry.port import ModelVersion
from housing.schema import FEATURE_NAMES
from predict.access.auth import OpenAccess
from predict.http.app import create_app
from predict.model.loading import ServedModel
from predict.model.predictor import Predictor
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry


@contextmanager
def scoring_servers(folder: Path) -> Iterator[SimpleNamespace]:
    """Yield clients of both, ``ours`` and ``mlflow``."""
    graph = linear_model()
    loop = asyncio.new_event_loop()
    with pytest.MonkeyPatch.context() as environment:
        # MLflow's server sets it for itself and leaves it; this takes it away again.
        environment.setenv("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "true")
        yield SimpleNamespace(
            ours=AsgiClient(_our_app(graph, folder), loop),
            mlflow=AsgiClient(_mlflow_app(graph, folder / "model"), loop),
        )
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def _our_app(graph: bytes, folder: Path) -> Any:
    now = FakeClock()()
    version = ModelVersion("california-housing", "1", run_id="r", created_at=now, tags={})
    store = FakeModelStore(ServedModel(version, Predictor(graph), loaded_at=now))
    settings = PredictSettings(auth="off", tracking_uri="http://registry.test", model_dir=folder)
    return create_app(settings, store, Telemetry(WrittenLines()), OpenAccess(), no_changes)


def _mlflow_app(graph: bytes, folder: Path) -> Any:
    signature = ModelSignature(
        inputs=Schema([ColSpec(DataType.double, name) for name in FEATURE_NAMES]),
        outputs=Schema([ColSpec(DataType.float, name) for name in OUTPUTS]),
    )
    mlflow.onnx.save_model(
        onnx.load_model_from_string(graph),
        folder,
        signature=signature,
        pip_requirements=["mlflow"],
        onnx_execution_providers=["CPUExecutionProvider"],
        save_as_external_data=False,
    )
    return scoring_server.init(mlflow.pyfunc.load_model(str(folder)))
