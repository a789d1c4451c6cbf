"""What ``sam build`` makes: small enough for Lambda, and nothing in it that does not serve."""

from collections.abc import Callable
from pathlib import Path

import pytest

from housing_ops.checkout import CHECKOUT

LIMIT_MIB = 160
MIB = 2**20
HEAVY = {"mlflow", "pandas", "sklearn", "scipy", "boto3", "botocore", "onnx", "pyarrow"}

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", params=["arm64", "x86_64"])
def built(request: pytest.FixtureRequest, built_for: Callable[[str], Path]) -> Path:
    return built_for(str(request.param))


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


def test_the_library_of_trees_is_the_one_of_the_functions_processor(built: Path) -> None:
    machine = {"arm64": "aarch64", "x86_64": "x86_64"}[built.name]
    number = {"arm64": 183, "x86_64": 62}[built.name]  # of ELF
    if not (CHECKOUT / ".venvs/native/.ready").exists():
        pytest.skip("zig is not here: make .venvs/native/.ready")

    [library] = (built / "SharedLayer").rglob("trees-*.so")

    assert library == built / f"SharedLayer/python/housing/native/trees-{machine}.so"
    assert int.from_bytes(library.read_bytes()[18:20], "little") == number
    assert library.stat().st_size <= 100_000
    assert not list((built / "PredictFunction").rglob("trees-*"))


def test_the_wheels_are_of_the_functions_processor(built: Path) -> None:
    machine = {"arm64": "aarch64", "x86_64": "x86_64"}[built.name]
    libraries = [path.name for path in (built / "RuntimeLayer").rglob("*.cpython-*.so")]

    assert len(libraries) > 5
    assert not [name for name in libraries if machine not in name or "cpython-313" not in name]
