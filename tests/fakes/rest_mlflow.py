"""As much of MLflow's REST API as the registry's client asks for, over registries in memory.

A real server answers the same, and is ten times slower: see the contract tests.
"""

import json
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from fakes.http_server import answering
from fakes.registry import FakeModelRegistry
from housing.errors import (
    AliasNotFoundError,
    ArtifactError,
    RegistryError,
    VersionNotFoundError,
)
from housing.registry.port import ModelVersion

_API, _FILES = "/api/2.0/mlflow/", "/api/2.0/mlflow-artifacts/artifacts/"
_OF_MODEL = re.compile(r"name = '([^']*)'")
_OF_TAG = re.compile(r"tags\.(\w+) = '([^']*)'")
_STATUS: Mapping[type[RegistryError], tuple[int, str]] = {
    AliasNotFoundError: (400, "INVALID_PARAMETER_VALUE"),
    VersionNotFoundError: (404, "RESOURCE_DOES_NOT_EXIST"),
    ArtifactError: (404, "RESOURCE_DOES_NOT_EXIST"),
}


class RestMlflow:
    """Serves registered models, each a ``FakeModelRegistry``, one request at a time."""

    def __init__(self) -> None:
        self._models: dict[str, FakeModelRegistry] = {}
        self._turn = threading.Lock()

    def model(self, name: str) -> FakeModelRegistry:
        """Return a registered model; it is made when it is first asked for."""
        return self._models.setdefault(name, FakeModelRegistry(name))

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer any request."""
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        url = urlsplit(request.path)
        with self._turn:
            try:
                if url.path.startswith(_FILES):
                    name, version, path = unquote(url.path.removeprefix(_FILES)).split("/", 2)
                    status, content = 200, self.model(name).download(version, path)
                else:
                    fields = json.loads(body) if body else dict(parse_qsl(url.query))
                    call = f"{request.command} {url.path.removeprefix(_API)}"
                    status, content = 200, json.dumps(self._called(call, fields)).encode()
            except RegistryError as exc:
                status, code = _STATUS[type(exc)]
                content = json.dumps({"error_code": code, "message": str(exc)}).encode()
        answering(status, content)(request)

    def _called(self, call: str, fields: dict[str, str]) -> dict[str, Any]:
        if call == "GET model-versions/search":
            [name] = _OF_MODEL.findall(fields["filter"])
            tags = dict(_OF_TAG.findall(fields["filter"]))
            versions = self.model(name).versions(limit=int(fields["max_results"]), tags=tags)
            return {"model_versions": [_described(version) for version in versions]}
        model, version = self.model(fields["name"]), fields.get("version", "")
        match call:
            case "GET registered-models/get":
                held = model.aliases().items()
                aliases = [{"alias": alias, "version": holder} for alias, holder in held]
                return {"registered_model": {"aliases": aliases}}
            case "GET registered-models/alias":
                return {"model_version": _described(model.version_by_alias(fields["alias"]))}
            case "POST registered-models/alias":
                model.set_alias(fields["alias"], version)
            case "GET model-versions/get":
                return {"model_version": _described(model.version(version))}
            case "GET model-versions/get-download-uri":
                model.version(version)
                return {"artifact_uri": f"mlflow-artifacts:/{model.model_name}/{version}"}
            case "PATCH model-versions/update":
                model.describe(version, fields["description"])
            case "POST model-versions/set-tag":
                model.set_tag(version, fields["key"], fields["value"])
            case _:
                raise NotImplementedError(call)
        return {}


def _described(version: ModelVersion) -> dict[str, Any]:
    return {
        "name": version.name,
        "version": version.version,
        "run_id": version.run_id,
        "creation_timestamp": int(version.created_at.timestamp() * 1_000),
        "description": version.description,
        "aliases": list(version.aliases),
        "tags": [{"key": key, "value": value} for key, value in version.tags.items()],
    }
