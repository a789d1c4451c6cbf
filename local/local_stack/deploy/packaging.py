"""Build the deployment packages for the local endpoint and set them in the template.

On AWS ``sam build`` builds them. Here a function runs in the laptop's own environment: its package
has the first-party code and a ``bootstrap`` that starts AWS's runtime client. The local endpoint
unpacks no layers for such functions, so the package has the shared layer under ``opt/``, too.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from housing_ops.checkout import CHECKOUT

_BOOTSTRAP = """#!/bin/sh
export PYTHONPATH="$LAMBDA_TASK_ROOT:$LAMBDA_TASK_ROOT/opt/python"
export PYTHONDONTWRITEBYTECODE=1
exec "{python}" "$LAMBDA_TASK_ROOT/cold_start.py" awslambdaric "$_HANDLER"
"""
_EXECUTABLE = 0o755 << 16
_READABLE = 0o644 << 16
_EPOCH = (1980, 1, 1, 0, 0, 0)
_FUNCTION = "AWS::Serverless::Function"
_LAYER = "AWS::Serverless::LayerVersion"
_SHARED_LAYER = "layers/shared"
_COLD_START = Path(__file__).with_name("cold_start.py")


@dataclass(frozen=True, slots=True)
class Package:
    """A zip archive, named by its content."""

    content: bytes

    @property
    def key(self) -> str:
        """S3 key of the archive."""
        return f"{hashlib.sha256(self.content).hexdigest()}.zip"


def package(
    template: Mapping[str, Any], *, bucket: str, python: Path
) -> tuple[dict[str, Any], list[Package]]:
    """Replace the code's folders in a template by archives in a bucket.

    Args:
        template: The template, long form, with paths relative to ``infra/``.
        bucket: Bucket of the archives.
        python: Interpreter that runs the functions.

    Returns:
        The template to deploy, and the archives to upload.
    """
    packages = []
    resources = dict(template["Resources"])
    for name, resource in resources.items():
        if resource["Type"] == _FUNCTION:
            source = _source(resource, "CodeUri")
            archive = Package(_function(source, _parent_package(resource), python))
            field = "CodeUri"
        elif resource["Type"] == _LAYER:
            archive = Package(_archive(_files(_source(resource, "ContentUri"), "python")))
            field = "ContentUri"
        else:
            continue
        packages.append(archive)
        properties = {**resource["Properties"], field: f"s3://{bucket}/{archive.key}"}
        resources[name] = {**resource, "Properties": properties}
    return {**template, "Resources": resources}, packages


def _source(resource: Mapping[str, Any], field: str) -> Path:
    folder: str = resource["Properties"][field]
    return (CHECKOUT / "infra" / folder).resolve()


def _parent_package(resource: Mapping[str, Any]) -> str:
    return str(resource["Metadata"]["BuildProperties"]["ParentPackages"])


def _function(source: Path, parent: str, python: Path) -> bytes:
    bootstrap = ("bootstrap", _BOOTSTRAP.format(python=python).encode(), _EXECUTABLE)
    start = (_COLD_START.name, _COLD_START.read_bytes(), _READABLE)
    layer = _files(CHECKOUT / _SHARED_LAYER, "opt/python")
    return _archive([bootstrap, start, *_files(source, parent), *layer])


def _files(folder: Path, prefix: str) -> Iterator[tuple[str, bytes, int]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield f"{prefix}/{path.relative_to(folder)}", path.read_bytes(), _READABLE


def _archive(files: Iterable[tuple[str, bytes, int]]) -> bytes:
    """Zip files with fixed times, so that equal content makes an equal archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in files:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = mode
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()
