"""The model registry over MLflow's REST API, without mlflow.

Protocol: https://mlflow.org/docs/latest/api_reference/rest-api.html
"""

import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from typing_extensions import override

from housing.errors import (
    AliasNotFoundError,
    ArtifactError,
    RegistryAnswerError,
    RegistryUnavailableError,
    VersionNotFoundError,
)
from housing.registry.access import WORKSPACE_HEADER, RegistryAccess
from housing.registry.port import READY, ArtifactReader, ModelRegistry, ModelVersion

_CHUNK_BYTES = 1 << 20
MOST_BYTES = 128 << 20
"""Limit on a response, above any model that fits into a function's memory."""
_PASSING = frozenset({409, 412, 429, *range(500, 600)})
_LEAST_SECONDS = 0.05
_PAUSE_SECONDS = 0.1  # after the first try; doubled after each other
_SHOWN_BYTES = 200
_ADVICE = {
    401: "check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or the token",
    403: "the credentials lack a permission, or the server's --allowed-hosts lacks this host",
    404: "MLFLOW_TRACKING_URI may lack the server's path prefix",
}
_NO_WORKSPACES = "FEATURE_DISABLED"  # said with HTTP 500
_NOT_FOUND_CODES = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})


class MlflowModelRegistry(ModelRegistry):
    """One registered model of an MLflow tracking server (3.x)."""

    def __init__(
        self,
        access: RegistryAccess | str,
        model_name: str,
        *,
        timeout_seconds: float = 10.0,
        tries: int = 1,
        artifact_readers: Mapping[str, ArtifactReader] | None = None,
    ) -> None:
        """Set the registry; the first call connects.

        Args:
            access: Address and authorization; a URL alone for a server without authorization.
            model_name: Name of the registered model.
            timeout_seconds: Limit on one call, its tries included.
            tries: Tries of a call that fails temporarily: all calls are idempotent. A look-up that
                is repeated anyway needs one.
            artifact_readers: Readers of locations that the server does not serve, by scheme.
        """
        self.model_name = model_name
        access = RegistryAccess(access) if isinstance(access, str) else access
        self._root = access.url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._tries = tries
        self._artifact_readers = dict(artifact_readers or {})
        self._headers = {**access.headers, "Content-Type": "application/json"}
        self._workspace = access.headers.get(WORKSPACE_HEADER)
        self._sign = access.sign
        self._pool = urllib3.PoolManager(retries=False)

    def close_connections(self) -> None:
        """Close the idle connections; the next call opens a new one."""
        self._pool.clear()

    @override
    def version_by_alias(self, alias: str) -> ModelVersion:
        status, answer = self._call(
            "GET", "registered-models/alias", {"name": self.model_name, "alias": alias}
        )
        if _is_not_found(status, answer):
            self._check_workspace()
            msg = f"no version of {self.model_name} has the alias {alias}"
            raise AliasNotFoundError(msg)
        return _version(_checked(status, answer))

    @override
    def version(self, version: str) -> ModelVersion:
        return _version(self._of_version("GET", "model-versions/get", {"version": version}))

    @override
    def versions(
        self, *, limit: int = 100, tags: Mapping[str, str] | None = None
    ) -> Sequence[ModelVersion]:
        wanted = [f"tags.{name} = {_quoted(value)}" for name, value in (tags or {}).items()]
        query = {
            "filter": " and ".join([f"name = {_quoted(self.model_name)}", *wanted]),
            "max_results": str(limit),
            "order_by": "version_number DESC",
        }
        status, answer = self._call("GET", "model-versions/search", query)
        versions = [_version({"model_version": v}) for v in _list(_checked(status, answer))]
        aliases = self._aliases() if versions else {}
        versions = [replace(v, aliases=tuple(aliases.get(v.version, ()))) for v in versions]
        return sorted(versions, key=lambda version: int(version.version), reverse=True)

    @override
    def download(self, version: str, path: str) -> bytes:
        answer = self._of_version("GET", "model-versions/get-download-uri", {"version": version})
        uri = str(answer.get("artifact_uri", ""))
        try:
            parts = urlsplit(uri)
        except ValueError as exc:
            msg = f"the artifact location of {self.model_name} {version} is not a URI: {exc}"
            raise RegistryAnswerError(msg) from exc
        scheme = parts.scheme
        if scheme == "mlflow-artifacts":
            return self._served_artifact(parts.path, path)
        if scheme in self._artifact_readers:
            return self._artifact_readers[scheme](uri, path)
        msg = (
            f"{self.model_name} {version} is in {scheme or 'no'}:// storage, which is not read; "
            "start the MLflow server with --serve-artifacts"
        )
        raise ArtifactError(msg)

    @override
    def set_alias(self, alias: str, version: str) -> None:
        self._of_version("POST", "registered-models/alias", {"alias": alias, "version": version})

    @override
    def describe(self, version: str, text: str) -> None:
        self._of_version(
            "PATCH", "model-versions/update", {"version": version, "description": text}
        )

    @override
    def set_tag(self, version: str, key: str, value: str) -> None:
        self._of_version(
            "POST", "model-versions/set-tag", {"version": version, "key": key, "value": value}
        )

    def _served_artifact(self, folder: str, path: str) -> bytes:
        location = f"{quote(folder.strip('/'))}/{quote(path)}"
        url = f"{self._root}/api/2.0/mlflow-artifacts/artifacts/{location}"
        status, body = self._request("GET", url)
        if status != 200:  # noqa: PLR2004 - HTTP OK
            msg = f"{path} in {folder}: the artifact store answered {status}"
            if status < 500 or self._lacks_artifact(folder, path):  # noqa: PLR2004
                raise ArtifactError(msg)
            raise RegistryUnavailableError(msg)
        return body

    def _lacks_artifact(self, folder: str, path: str) -> bool:
        """Return whether the server lists a folder without the file.

        Of a file that is missing in S3 it says 500 (MLflow 3.17), as of a store that is away; then
        it lists nothing.
        """
        place, _, name = f"{folder.strip('/')}/{path}".rpartition("/")
        query = urlencode({"path": place}, quote_via=quote)
        url = f"{self._root}/api/2.0/mlflow-artifacts/artifacts?{query}"
        try:
            status, body = self._request("GET", url)
            listed = json.loads(body).get("files", []) if status == 200 else None  # noqa: PLR2004
            return listed is not None and name not in {entry["path"] for entry in listed}
        except (RegistryUnavailableError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def _check_workspace(self) -> None:
        """Make sure that what was not found was looked for in a workspace that there is.

        Raises:
            RegistryAnswerError: There is no such workspace.
        """
        if not self._workspace:
            return
        url = f"{self._root}/api/3.0/mlflow/workspaces/{quote(self._workspace, safe='')}"
        status, body = self._request("GET", url)
        try:
            is_missing = _is_not_found(status, json.loads(body))
        except (ValueError, AttributeError):  # of a server that knows no workspaces
            return
        if is_missing:
            msg = f"the registry has no workspace {self._workspace} (MLFLOW_WORKSPACE)"
            raise RegistryAnswerError(msg)

    def _aliases(self) -> dict[str, list[str]]:
        """Return the aliases by version: a search does not return them (mlflow 3.17)."""
        status, answer = self._call("GET", "registered-models/get", {"name": self.model_name})
        aliases: dict[str, list[str]] = {}
        try:
            for entry in _checked(status, answer)["registered_model"].get("aliases", []):
                aliases.setdefault(str(entry["version"]), []).append(entry["alias"])
        except (KeyError, TypeError, AttributeError) as exc:
            msg = f"the registry's model lacks or breaks {exc}"
            raise RegistryAnswerError(msg) from exc
        return aliases

    def _of_version(self, method: str, path: str, fields: dict[str, str]) -> dict[str, Any]:
        status, answer = self._call(method, path, {"name": self.model_name, **fields})
        if _is_not_found(status, answer):
            self._check_workspace()
            msg = f"{self.model_name} has no version {fields['version']}"
            raise VersionNotFoundError(msg)
        return _checked(status, answer)

    def _call(
        self, method: str, path: str, fields: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        url = f"{self._root}/api/2.0/mlflow/{path}"
        if method == "GET":
            query = urlencode(fields, quote_via=quote)  # signatures reject + for a space
            status, body = self._request(method, f"{url}?{query}")
        else:
            status, body = self._request(method, url, json.dumps(fields).encode())
        is_outage = status >= 500  # noqa: PLR2004 - HTTP server errors
        msg = f"the registry answered {status} to {path}"
        try:
            answer = json.loads(body)
        except ValueError as exc:
            if is_outage:
                raise RegistryUnavailableError(msg) from exc
            raise RegistryAnswerError(_without_json(path, status, body)) from exc
        if is_outage:
            if isinstance(answer, dict) and answer.get("error_code") == _NO_WORKSPACES:
                msg = "the registry has no workspaces: MLFLOW_WORKSPACE must not be set"
                raise RegistryAnswerError(msg)
            raise RegistryUnavailableError(msg)
        if not isinstance(answer, dict):
            msg = f"the registry's answer to {path} is not an object"
            raise RegistryAnswerError(msg)
        return status, answer

    def _request(self, method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._timeout_seconds
        tries = 1
        while True:
            is_last = tries == self._tries
            try:
                status, answer = self._request_once(method, url, body, deadline)
            except RegistryUnavailableError:
                if is_last or time.monotonic() > deadline:
                    raise
            else:
                if is_last or status not in _PASSING:
                    return status, answer
            pause = _PAUSE_SECONDS * 2 ** (tries - 1)
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter between processes
            tries += 1

    def _request_once(
        self, method: str, url: str, body: bytes | None, deadline: float
    ) -> tuple[int, bytes]:
        try:
            headers: Mapping[str, str] = self._headers
            if self._sign:
                headers = self._sign(method, url, headers, body or b"")
            response = self._pool.request(
                method,
                url,
                body=body,
                headers=headers,
                preload_content=False,
                timeout=urllib3.Timeout(total=max(_LEAST_SECONDS, deadline - time.monotonic())),
            )
            try:
                return response.status, _read_until(response, deadline)
            finally:
                response.release_conn()
        except urllib3.exceptions.HTTPError as exc:
            msg = f"the registry at {self._root} cannot be reached: {type(exc).__name__}"
            raise RegistryUnavailableError(msg) from exc


def _read_until(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    chunks, size = [], 0
    while chunk := response.read1(_CHUNK_BYTES):
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            response.close()
            msg = f"the registry's answer has over {MOST_BYTES:,} bytes"
            raise RegistryAnswerError(msg)
        if time.monotonic() > deadline:
            response.close()
            msg = "the registry's answer took longer than its time budget"
            raise RegistryUnavailableError(msg)
    return b"".join(chunks)  # urllib3 compares its length with the Content-Length


def _without_json(path: str, status: int, body: bytes) -> str:
    """Say what an answer is that is not JSON, such as the plain text of MLflow's basic auth."""
    text = " ".join(body[:_SHOWN_BYTES].decode(errors="replace").split())
    shown = text if text.isprintable() and not text.startswith("<") else ""
    advice = _ADVICE.get(status, "")
    if status == 200:  # noqa: PLR2004 - HTTP OK
        return f"the registry's answer to {path} is not JSON: is MLFLOW_TRACKING_URI its address?"
    return f"the registry answered {status} to {path}: " + "; ".join(filter(None, (shown, advice)))


def _is_not_found(status: int, answer: Mapping[str, Any]) -> bool:
    """Whether a name is unknown: 404 for a model, 400 for an alias (mlflow 3)."""
    return status in (400, 404) and answer.get("error_code") in _NOT_FOUND_CODES


def _checked(status: int, answer: dict[str, Any]) -> dict[str, Any]:
    if status != 200:  # noqa: PLR2004 - HTTP OK
        msg = f"the registry answered {status}: {answer.get('message', answer)}"
        raise RegistryAnswerError(msg)
    return answer


def _list(answer: Mapping[str, Any]) -> list[Any]:
    versions = answer.get("model_versions", [])
    if not isinstance(versions, list):
        msg = "the registry's list of versions is not a list"
        raise RegistryAnswerError(msg)
    return versions


def _quoted(text: str) -> str:
    """Return a text for a filter; MLflow has no escape for the quotes around it."""
    return f'"{text}"' if "'" in text else f"'{text}'"


def _version(answer: Mapping[str, Any]) -> ModelVersion:
    try:
        fields = answer["model_version"]
        return ModelVersion(
            name=fields["name"],
            version=str(fields["version"]),
            run_id=fields.get("run_id", ""),
            created_at=datetime.fromtimestamp(int(fields["creation_timestamp"]) / 1000, UTC),
            tags={tag["key"]: tag["value"] for tag in fields.get("tags", [])},
            aliases=tuple(fields.get("aliases", [])),
            description=str(fields.get("description") or ""),
            status=str(fields.get("status") or READY),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        msg = f"the registry's version lacks or breaks {exc}"
        raise RegistryAnswerError(msg) from exc
