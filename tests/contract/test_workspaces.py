"""A server with workspaces: both clients ask in the one that MLFLOW_WORKSPACE names."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mlflow import MlflowClient

from fakes.onnx_models import linear_model
from housing.errors import AliasNotFoundError, RegistryAnswerError
from housing.registry.access import RegistrySettings
from housing.registry.mlflow import MlflowModelRegistry
from housing.registry.port import MODEL_FILE, PRODUCTION, Tag
from servers.mlflow_server import tracking_server

MODEL = linear_model()
NAME = "housing"


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("workspaces")
    with tracking_server(folder, options=["--enable-workspaces"]) as server:
        made = httpx.post(f"{server.uri}/api/3.0/mlflow/workspaces", json={"name": "team-a"})
        assert made.status_code == 201, made.text
        yield server.uri


@pytest.fixture(scope="module")
def promoted(uri: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Promote a version in a workspace with MLflow's own client, as the job does."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLFLOW_WORKSPACE", "team-a")
        return promoted_at(uri, tmp_path_factory.mktemp("model"))


def promoted_at(uri: str, folder: Path) -> str:
    client = MlflowClient(tracking_uri=uri)
    (folder / MODEL_FILE).write_bytes(MODEL)
    experiment = client.create_experiment("of team a")
    run = client.create_run(experiment)
    logged = client.create_logged_model(experiment, "model", source_run_id=run.info.run_id)
    client.log_model_artifacts(logged.model_id, str(folder))
    client.finalize_logged_model(logged.model_id, "READY")
    client.create_registered_model(NAME)
    tags = {Tag.SHA256: hashlib.sha256(MODEL).hexdigest()}
    version = client.create_model_version(
        NAME, f"models:/{logged.model_id}", run.info.run_id, tags, model_id=logged.model_id
    )
    client.set_registered_model_alias(NAME, PRODUCTION, version.version)
    return str(version.version)


def registry_in(workspace: str, uri: str, monkeypatch: pytest.MonkeyPatch) -> MlflowModelRegistry:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_WORKSPACE", workspace)
    return MlflowModelRegistry(RegistrySettings().registry_access(), NAME)


def test_a_version_promoted_in_a_workspace_is_served_from_there_only(
    uri: str, promoted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = registry_in("team-a", uri, monkeypatch)

    assert registry.version_by_alias(PRODUCTION).version == promoted
    assert registry.download(promoted, MODEL_FILE) == MODEL
    for other in ("", "default"):
        with pytest.raises(AliasNotFoundError):
            registry_in(other, uri, monkeypatch).version_by_alias(PRODUCTION)


@pytest.mark.usefixtures("promoted")
def test_a_workspace_that_is_not_there_is_not_one_without_a_promoted_model(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = registry_in("nosuch", uri, monkeypatch)

    for call in (
        lambda: registry.version_by_alias(PRODUCTION),
        lambda: registry.version("1"),
        lambda: registry.set_alias(PRODUCTION, "1"),
        registry.versions,
    ):
        with pytest.raises(RegistryAnswerError, match="nosuch"):
            call()


def test_a_server_without_workspaces_is_not_one_that_is_away(
    mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = registry_in("team-a", mlflow_uri, monkeypatch)

    with pytest.raises(RegistryAnswerError, match="MLFLOW_WORKSPACE must not be set"):
        registry.version_by_alias(PRODUCTION)
