"""MLflow's own client talks to this service as it talks to ``mlflow models serve``."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import mlflow.onnx
import numpy as np
import onnx
import pandas as pd
import pytest
from mlflow.models import ModelSignature
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from mlflow.types import ColSpec, DataType, Schema

from fakes.onnx_models import linear_model
from housing.onnx_session import OUTPUTS
from housing.schema import FEATURE_NAMES
from servers.mlflow_server import model_server
from servers.our_api import our_api
from subjects.california.sample import generate

FRAME = generate(rows=50, seed=3)[list(FEATURE_NAMES)]
GRAPH = linear_model(bias=0.3)


@pytest.fixture(scope="module")
def clients(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[ScoringServerClient, ScoringServerClient]]:
    """MLflow's client of this service, and of MLflow's own server of the same model."""
    folder = tmp_path_factory.mktemp("served")
    mlflow.onnx.save_model(
        onnx.load_model_from_string(GRAPH),
        folder / "model",
        signature=ModelSignature(
            inputs=Schema([ColSpec(DataType.double, name) for name in FEATURE_NAMES]),
            outputs=Schema([ColSpec(DataType.float, name) for name in OUTPUTS]),
        ),
        pip_requirements=["mlflow"],
        onnx_execution_providers=["CPUExecutionProvider"],
        save_as_external_data=False,
    )
    with our_api(GRAPH, folder / "ours") as ours, model_server(folder / "model") as theirs:
        installed = [
            ScoringServerClient(url.hostname, url.port)  # type: ignore[no-untyped-call]
            for url in (urlsplit(ours), urlsplit(theirs.uri))
        ]
        yield installed[0], installed[1]


Clients = tuple[ScoringServerClient, ScoringServerClient]
INPUTS: dict[str, Any] = {
    "a frame": FRAME,
    "a frame with its columns turned": FRAME[list(FEATURE_NAMES[::-1])],
    "a frame with another index": FRAME.set_index(np.arange(50) * 2),
    "a frame with another column": FRAME.assign(more=1),
}


@pytest.mark.parametrize("case", INPUTS)
def test_it_gets_the_same_predictions(clients: Clients, case: str) -> None:
    ours, theirs = (client.invoke(INPUTS[case]).get_predictions() for client in clients)

    assert len(theirs) == len(FRAME)
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def test_it_finds_the_server_ready_and_knows_its_version(clients: Clients) -> None:
    for client in clients:
        client.wait_server_ready(timeout=5)  # type: ignore[no-untyped-call]
        assert client.get_version().count(".") >= 2  # type: ignore[no-untyped-call]


def test_a_refusal_of_either_server_is_the_clients_own_error(clients: Clients) -> None:
    for client in clients:
        with pytest.raises(Exception, match="error code 400"):
            client.invoke(FRAME.drop(columns="MedInc"))
