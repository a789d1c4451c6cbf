"""A real MLflow server for the contract tests, on loopback."""

from collections.abc import Callable, Iterator

import pytest

from servers.mlflow_server import TrackingServer, tracking_server


@pytest.fixture(scope="session")
def shared_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    """A tracking server that ends with the session."""
    with tracking_server(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.fixture(scope="session")
def mlflow_uri(shared_mlflow: TrackingServer) -> str:
    """URL of the shared server."""
    return shared_mlflow.uri


@pytest.fixture
def promote(shared_mlflow: TrackingServer) -> Callable[..., str]:
    """Register a model at the shared server and give it the alias."""
    return shared_mlflow.promote


@pytest.fixture
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    """A tracking server of the test's own."""
    with tracking_server(tmp_path_factory.mktemp("own-mlflow")) as server:
        yield server
