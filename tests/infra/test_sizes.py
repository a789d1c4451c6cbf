"""What ``sam build`` makes: small enough for Lambda, and nothing in it that does not serve."""

import shutil
import subprocess
from pathlib import Path

import pytest

from local_stack.settings import CHECKOUT

LIMIT_MIB = 160
MIB = 2**20
HEAVY = {"mlflow", "pandas", "sklearn", "scipy", "boto3", "botocore", "onnx", "pyarrow"}
PYENV = sorted((Path.home() / ".pyenv/versions").glob("3.13*/bin/python3.13"))

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        shutil.which("python3.13") is None and not PYENV,
        reason="sam build chooses wheels with the runtime's own Python 3.13, which is not here",
    ),
]


@pytest.fixture(scope="module", params=["arm64", "x86_64"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sam") / str(request.param)
    done = subprocess.run(
        [str(CHECKOUT / "infra/build"), request.param, str(folder)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def size_mib(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MIB


def packages(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_dir()}


def test_function_and_layers_fit(built: Path) -> None:
    parts = ("PredictFunction", "SharedLayer", "RuntimeLayer")

    assert sum(size_mib(built / part) for part in parts) <= LIMIT_MIB
    for function in ("RetrainFunction", "NotifyFunction"):
        assert size_mib(built / function) + size_mib(built / "SharedLayer") <= LIMIT_MIB


def test_the_packages_are_the_ones_that_are_imported(built: Path) -> None:
    assert "predict" in packages(built / "PredictFunction")
    assert "retrain" in packages(built / "RetrainFunction")
    assert "notify" in packages(built / "NotifyFunction")
    assert "housing" in packages(built / "SharedLayer/python")
    runtime = packages(built / "RuntimeLayer/python")
    assert {"onnxruntime", "numpy", "pydantic_core", "orjson"} <= runtime
    assert not runtime & HEAVY


def test_the_wheels_are_of_the_functions_processor(built: Path) -> None:
    machine = {"arm64": "aarch64", "x86_64": "x86_64"}[built.name]
    libraries = [path.name for path in (built / "RuntimeLayer").rglob("*.cpython-*.so")]

    assert len(libraries) > 5
    assert not [name for name in libraries if machine not in name or "cpython-313" not in name]
