"""A real MLflow server for the contract tests, on loopback."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from servers.mlflow_server import TrackingServer, tracking_server


@pytest.fixture(scope="session")
def mlflow_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared server keeps everything."""
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="session")
def mlflow_database(mlflow_folder: Path) -> Path:
    """The shared server's database."""
    return mlflow_folder / "mlflow.db"


@pytest.fixture(scope="session")
def shared_mlflow(mlflow_folder: Path) -> Iterator[TrackingServer]:
    """A tracking server that ends with the session."""
    with tracking_server(mlflow_folder) as server:
        yield server


@pytest.fixture(scope="session")
def mlflow_uri(shared_mlflow: TrackingServer) -> str:
    """URL of the shared server."""
    return shared_mlflow.uri


@pytest.fixture(scope="session")
def mlflow_uri_of_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server that keeps its artifacts in S3, as that of the stack does."""
    with s3_endpoint() as environment:
        boto3.client(
            "s3",
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=environment["AWS_DEFAULT_REGION"],
        ).create_bucket(Bucket="artifacts")
        folder = tmp_path_factory.mktemp("mlflow-of-s3")
        with tracking_server(
            folder, served_artifacts="s3://artifacts/root", environment=environment
        ) as server:
            yield server.uri


@contextmanager
def s3_endpoint() -> Iterator[dict[str, str]]:
    """Run moto's S3 on a free port; yield the variables that lead there."""
    endpoint = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    endpoint.start()
    host, port = endpoint.get_host_and_port()
    url = f"http://{host}:{port}"
    try:
        yield {
            "AWS_ENDPOINT_URL": url,
            "MLFLOW_S3_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        endpoint.stop()


@pytest.fixture
def promote(shared_mlflow: TrackingServer) -> Callable[..., str]:
    """Register a model at the shared server and give it the alias."""
    return shared_mlflow.promote


@pytest.fixture
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    """A tracking server of the test's own."""
    with tracking_server(tmp_path_factory.mktemp("own-mlflow")) as server:
        yield server
