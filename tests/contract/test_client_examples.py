"""Every example of ``docs/clients.md`` runs, with a key, against the application."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import mlflow.onnx
import onnx
import pytest
from mlflow import MlflowClient
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from fakes.onnx_models import linear_model
from housing.api_keys import ApiKeyDocument, Scope, new_key
from housing.onnx_session import OUTPUTS
from housing.registry.port import PRODUCTION
from housing.schema import FEATURE_NAMES
from housing_ops.checkout import CHECKOUT
from predict.access.auth import KeyAuthenticator
from servers.mlflow_server import tracking_server
from servers.our_api import our_api

NAME = "california-housing"
GRAPH = linear_model(bias=0.3)
PAGE = (CHECKOUT / "docs/clients.md").read_text()
EXAMPLES = re.findall(r"^## ([^\n]+)$|^```([a-z-]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
MLSERVER = CHECKOUT / ".venvs/bench-mlserver/bin/python"
PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "sh": ("/bin/sh", "-ec"),
    "python": (sys.executable, "-c"),
    "python-triton": (str(MLSERVER), "-c"),
    "python-mlserver": (str(MLSERVER), "-c"),
    "javascript": ("node", "-e"),
}
PRICE = "11325"
"""Digits of what the linear model answers for the example's first row."""


def examples() -> Iterator[tuple[str, str, str]]:
    heading = ""
    for title, language, code in EXAMPLES:
        heading = title or heading
        if code:
            yield heading, language, code


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("clients")
    key, entry = new_key(Scope.PREDICT)
    access = KeyAuthenticator(lambda: ApiKeyDocument(keys=(entry,)), ttl_seconds=60)
    with (
        tracking_server(folder) as registry,
        our_api(GRAPH, folder, name=NAME, access=access) as url,
    ):
        register(registry.uri, folder)
        yield {
            "HOUSING_API_URL": url,
            "HOUSING_API_KEY": key,
            "MLFLOW_TRACKING_URI": registry.uri,
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }


def register(tracking: str, folder: Path) -> None:
    """Register the graph with the signature that the job gives it."""
    client = MlflowClient(tracking, tracking)
    experiment = client.create_experiment("clients")
    model = folder / "model"
    mlflow.onnx.save_model(
        onnx.load_model_from_string(GRAPH),
        model,
        signature=ModelSignature(
            inputs=Schema([ColSpec(DataType.double, name) for name in FEATURE_NAMES]),
            outputs=Schema([ColSpec(DataType.float, name) for name in OUTPUTS]),
        ),
        pip_requirements=["mlflow"],
        onnx_execution_providers=["CPUExecutionProvider"],
        save_as_external_data=False,
    )
    client.create_registered_model(NAME)
    run = client.create_run(experiment)
    client.log_artifacts(run.info.run_id, str(model), "model")
    source = f"{run.info.artifact_uri}/model"
    version = client.create_model_version(NAME, source, run.info.run_id)
    client.set_registered_model_alias(NAME, PRODUCTION, version.version)


@pytest.mark.parametrize(
    ("heading", "language", "code"),
    [pytest.param(*example, id=f"{example[0]}-{example[1]}") for example in examples()],
)
def test_an_example_prints_the_price(
    environment: dict[str, str], tmp_path: Path, heading: str, language: str, code: str
) -> None:
    program = PROGRAMS[language]
    if not shutil.which(program[0]):
        pytest.skip(f"{program[0]} is not installed")

    done = subprocess.run(
        [*program, code],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
        | ({"PYTHONPATH": ""} if "-" in language else {})
        | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, (heading, done.stderr)
    assert PRICE in done.stdout.replace(",", "").replace(".", ""), (heading, done.stdout)


def test_every_client_that_is_asked_for_has_an_example() -> None:
    wanted = {"curl", "Python", "A notebook", "JavaScript", "MLflow", "Triton, KServe, MLServer"}

    assert wanted <= {heading for heading, _, _ in examples()}
    assert {language for _, language, _ in examples()} == PROGRAMS.keys()
