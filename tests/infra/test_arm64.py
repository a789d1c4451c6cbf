"""The packages for arm64 load and answer on that processor, as far as qemu is one."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.http_server import http_server
from fakes.rest_mlflow import RestMlflow
from fakes.tree_libraries import model_with_trees
from housing.registry.port import MODEL_FILE, PRODUCTION, Tag
from housing_ops.checkout import CHECKOUT
from housing_ops.template import load
from infra.arm64_root import ASKED_FOR, Arm64, made, runtime_packages
from infra.debian import needs

EVENTS = CHECKOUT / "events"
FUNCTIONS: dict[str, dict[str, Any]] = {
    name: found["Properties"]
    for name, found in load(CHECKOUT / "infra/template.yaml")["Resources"].items()
    if found["Type"] == "AWS::Serverless::Function"
}
MODEL = "california-housing"
ANSWER = """
import importlib, json, platform, sys
class Context:
    aws_request_id, function_name, memory_limit_in_mb = "1", "housing", 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:housing"
module, _, name = sys.argv[1].rpartition(".")
handler = getattr(importlib.import_module(module), name)
answers = [handler(json.load(open(event)), Context()) for event in sys.argv[2:]]
print(json.dumps([platform.machine(), *answers]))
"""
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def arm64(tmp_path_factory: pytest.TempPathFactory) -> Arm64:
    needs(ASKED_FOR, "test-arm", "qemu-aarch64", "dpkg-deb")
    return made(tmp_path_factory.mktemp("debian"))


@pytest.fixture(scope="module")
def answers(
    arm64: Arm64, built_for: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., list[Any]]:
    """Run a built function with its layers; return the processor and the answers."""
    built = built_for("arm64")
    of_the_runtime = runtime_packages(tmp_path_factory.mktemp("runtime"))

    def run(function: str, *events: str, **variables: str) -> list[Any]:
        layers = [built / layer["Ref"] / "python" for layer in FUNCTIONS[function]["Layers"]]
        done = arm64.python(
            ANSWER,
            FUNCTIONS[function]["Handler"],
            *(str(EVENTS / event) for event in events),
            path=[built / function, *layers, of_the_runtime],
            variables={"AWS_DEFAULT_REGION": "us-east-1", **variables},
        )
        assert done.returncode == 0, done.stderr[-3_000:]
        found: list[Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    return run


def test_predict_answers_with_onnx_runtime_and_the_library_of_trees(
    answers: Callable[..., list[Any]],
) -> None:
    rest = RestMlflow()
    graph = model_with_trees()
    tags = {Tag.SHA256: hashlib.sha256(graph).hexdigest()}
    version = rest.model(MODEL).register({MODEL_FILE: graph}, tags=tags)
    rest.model(MODEL).set_alias(PRODUCTION, version.version)
    with http_server(rest.answer) as uri:
        machine, health, priced = answers(
            "PredictFunction",
            "api-health.ok.json",
            "api-predict.ok.json",
            MLFLOW_TRACKING_URI=uri,
            HOUSING_AUTH="off",
            HOUSING_REGISTRY_TIMEOUT_SECONDS="60",
        )

    assert machine == "aarch64"
    assert priced["statusCode"] == 200, priced["body"]
    assert json.loads(health["body"])["model"]["trees"] == "library"


@pytest.mark.parametrize("function", ["RetrainFunction", "NotifyFunction"])
def test_a_functions_handler_is_imported(answers: Callable[..., list[Any]], function: str) -> None:
    assert answers(function) == ["aarch64"]
