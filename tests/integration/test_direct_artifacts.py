"""An MLflow server that serves no artifacts: the model is read from S3 itself."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from fakes.onnx_models import linear_model
from housing.registry.mlflow import MlflowModelRegistry
from housing.registry.port import PRODUCTION
from housing.s3.artifacts import S3ArtifactReader
from integration.running_stack import RunningStack
from predict.model.loading import ModelFiles
from predict.model.store import RegistryModelStore
from servers.mlflow_server import tracking_server

pytestmark = pytest.mark.integration
NAME = "kept-in-s3"


def test_a_version_is_served_from_s3_and_the_next_one_follows(
    stack: RunningStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {name: text for name, text in stack.env.items() if name.startswith("AWS_")}
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    root = f"s3://{stack.bucket}/artifacts-of-mlflow"
    first, second = linear_model(bias=1), linear_model(bias=2)
    with tracking_server(tmp_path, direct_artifacts=root, environment=variables) as server:
        store = RegistryModelStore(
            MlflowModelRegistry(
                server.uri,
                NAME,
                artifact_readers={"s3": S3ArtifactReader(lambda: stack.s3)},
            ),
            ModelFiles(tmp_path / "model"),
            alias=PRODUCTION,
            ttl=timedelta(0),
            budget=timedelta(seconds=10),
        )
        server.promote(first, name=NAME)
        before = store.current()
        server.promote(second, name=NAME)
        after = store.current()

    assert [(one.version.version, one.stale) for one in (before, after)] == [
        ("1", False),
        ("2", False),
    ]
    prices = [one.predictor.predict_one(np.zeros(8).tolist()).value for one in (before, after)]
    assert prices == [1, 2]
