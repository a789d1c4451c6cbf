import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from housing_ops.checkout import CHECKOUT
from housing_ops.template import load
from local_stack.deploy.packaging import Package, package

PYTHON = Path("/somewhere/bin/python")
Packaged = tuple[dict[str, Any], dict[str, zipfile.ZipFile]]


@pytest.fixture(scope="module")
def packaged() -> Packaged:
    template, packages = package(
        load(CHECKOUT / "infra/template.yaml"), bucket="store", python=PYTHON
    )
    archives = {made.key: zipfile.ZipFile(io.BytesIO(made.content)) for made in packages}
    properties = {name: resource["Properties"] for name, resource in template["Resources"].items()}
    return properties, archives


def archive_of(packaged: Packaged, resource: str, field: str) -> zipfile.ZipFile:
    properties, archives = packaged
    return archives[properties[resource][field].removeprefix("s3://store/")]


@pytest.mark.parametrize("name", ["predict", "retrain", "notify"])
def test_a_function_keeps_its_import_name_and_carries_the_shared_layer(
    packaged: Packaged, name: str
) -> None:
    files = archive_of(packaged, f"{name.title()}Function", "CodeUri").namelist()

    assert f"{name}/handler.py" in files
    assert "opt/python/housing/schema.py" in files
    assert not [file for file in files if "__pycache__" in file]


def test_the_bootstrap_is_executable_and_starts_awss_runtime_client(packaged: Packaged) -> None:
    archive = archive_of(packaged, "PredictFunction", "CodeUri")

    mode = archive.getinfo("bootstrap").external_attr >> 16
    text = archive.read("bootstrap").decode()

    assert mode & 0o111
    start = f'exec "{PYTHON}" "$LAMBDA_TASK_ROOT/cold_start.py" awslambdaric "$_HANDLER"'
    assert start in text
    assert b"runpy.run_module(client" in archive.read("cold_start.py")


def test_a_layer_lies_under_python_as_lambda_wants_it(packaged: Packaged) -> None:
    files = archive_of(packaged, "SharedLayer", "ContentUri").namelist()

    assert "python/housing/schema.py" in files


def test_all_but_the_code_stays_as_the_template_says(packaged: Packaged) -> None:
    properties, _ = packaged
    original = load(CHECKOUT / "infra/template.yaml")["Resources"]

    for name, resource in properties.items():
        kept = {k: v for k, v in resource.items() if k not in ("CodeUri", "ContentUri")}
        wanted = original[name]["Properties"]
        assert kept == {k: v for k, v in wanted.items() if k not in ("CodeUri", "ContentUri")}


def test_equal_content_has_an_equal_key() -> None:
    assert Package(b"a").key == Package(b"a").key != Package(b"b").key
