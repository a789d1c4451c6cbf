"""The server of the contract tests is of the release that they are said to be run against."""

import os

import httpx
import mlflow

from housing_ops.checkout import CHECKOUT
from servers.mlflow_server import SERVER_PYTHON, TrackingServer

RELEASE = os.environ.get("HOUSING_MLFLOW_RELEASE", mlflow.__version__)
LISTS = sorted((CHECKOUT / "requirements").glob("mlflow-*.txt"))


def test_the_server_is_of_the_release_that_was_asked_for(shared_mlflow: TrackingServer) -> None:
    version = httpx.get(f"{shared_mlflow.uri}/version").text

    assert f"{version}.".startswith(f"{RELEASE}."), SERVER_PYTHON


def test_every_older_release_is_pinned_by_its_name() -> None:
    pinned = {
        path.stem: line
        for path in LISTS
        for line in path.read_text().splitlines()
        if line.startswith("mlflow==")
    }

    assert len(pinned) == 3
    for name, line in pinned.items():
        assert line.startswith(f"mlflow=={name.removeprefix('mlflow-')}."), name
