"""Versions of a new model, in a registry in memory or in a real MLflow server."""

import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

import urllib3

from fakes.rest_mlflow import RestMlflow
from housing.registry.mlflow import MlflowModelRegistry
from housing.registry.port import MODEL_FILE, ModelVersion, Tag


class Registrar(Protocol):
    """Registers versions past the proxy."""

    def __call__(self, name: str, model: bytes, tags: Mapping[str, str]) -> ModelVersion:
        """Register the next version of a model, with its digest."""
        ...


def registrar_in_memory(rest: RestMlflow) -> Registrar:
    def register(name: str, model: bytes, tags: Mapping[str, str]) -> ModelVersion:
        return rest.model(name).register({MODEL_FILE: model}, tags=_with_digest(model, tags))

    return register


class MlflowRegistrar:
    """Registers at a real server; each model's file is logged once, for all its versions."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._names: set[str] = set()
        self._runs: dict[bytes, dict[str, str]] = {}

    def __call__(self, name: str, model: bytes, tags: Mapping[str, str]) -> ModelVersion:
        if name not in self._names:
            self._call("registered-models/create", name=name)
            self._names.add(name)
        if model not in self._runs:
            self._runs[model] = self._logged(model)
        pairs = [{"key": key, "value": text} for key, text in _with_digest(model, tags).items()]
        made = self._call("model-versions/create", name=name, tags=pairs, **self._runs[model])
        version: str = made["model_version"]["version"]
        return MlflowModelRegistry(self._uri, name).version(version)

    def _logged(self, model: bytes) -> dict[str, str]:
        run = self._call("runs/create", experiment_id="0")["run"]["info"]
        source = f"{run['artifact_uri']}/model"
        folder = source.removeprefix("mlflow-artifacts:/")
        url = f"{self._uri}/api/2.0/mlflow-artifacts/artifacts/{folder}/{MODEL_FILE}"
        assert urllib3.request("PUT", url, body=model).status == 200
        return {"run_id": run["run_id"], "source": source}

    def _call(self, path: str, **fields: Any) -> Any:
        answer = urllib3.request("POST", f"{self._uri}/api/2.0/mlflow/{path}", json=fields)
        assert answer.status == 200, answer.data
        return answer.json()


def _with_digest(model: bytes, tags: Mapping[str, str]) -> dict[str, str]:
    return {Tag.SHA256: hashlib.sha256(model).hexdigest(), **tags}
