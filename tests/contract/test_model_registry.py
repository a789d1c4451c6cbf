"""The registry port's promises, kept by the fake and by MLflow's REST API alike."""

import hashlib
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from fakes.http_server import answering, http_server
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from fakes.rest_mlflow import RestMlflow
from housing.errors import (
    AliasNotFoundError,
    ArtifactError,
    RegistryAnswerError,
    RegistryUnavailableError,
    VersionNotFoundError,
)
from housing.registry import mlflow as mlflow_registry
from housing.registry.access import RegistryAccess
from housing.registry.mlflow import MlflowModelRegistry
from housing.registry.port import MODEL_FILE, PRODUCTION, ModelRegistry, download_model

MODEL = linear_model()
BUDGET_SECONDS = 0.5


@dataclass
class Subject:
    """A registry under test, and how a training job adds a version of the model to it."""

    registry: ModelRegistry
    register: Callable[..., str]


def fake_subject(name: str) -> Subject:
    registry = FakeModelRegistry(name)

    def register(model: bytes = MODEL, **tags: str) -> str:
        return registry.register({MODEL_FILE: model}, tags=tags).version

    return Subject(registry, register)


def mlflow_subject(name: str, uri: str, folder: Path) -> Subject:
    from mlflow import MlflowClient  # noqa: PLC0415 - takes seconds; the fake's tests need it not

    client = MlflowClient(tracking_uri=uri)

    def register(model: bytes = MODEL, **tags: str) -> str:
        if not client.search_registered_models(f'name="{name}"'):
            client.create_registered_model(name)
        run = client.create_run("0")
        logged = client.create_logged_model("0", name="model", source_run_id=run.info.run_id)
        (folder / MODEL_FILE).write_bytes(model)
        client.log_model_artifacts(logged.model_id, str(folder))
        client.finalize_logged_model(logged.model_id, "READY")
        version = client.create_model_version(
            name, f"models:/{logged.model_id}", run.info.run_id, tags, model_id=logged.model_id
        )
        return str(version.version)

    return Subject(MlflowModelRegistry(uri, name), register)


def rest_subject(name: str, rest: RestMlflow, uri: str) -> Subject:
    def register(model: bytes = MODEL, **tags: str) -> str:
        return rest.model(name).register({MODEL_FILE: model}, tags=tags).version

    return Subject(MlflowModelRegistry(uri, name), register)


SERVERS = {"mlflow": "mlflow_uri", "mlflow of S3": "mlflow_uri_of_s3"}


@pytest.fixture(params=["fake", "fake over REST", *SERVERS])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    name = f"model {uuid.uuid4().hex}"  # a space, so that names must be quoted in URLs
    if request.param == "fake":
        yield fake_subject(name)
    elif request.param in SERVERS:
        yield mlflow_subject(name, request.getfixturevalue(SERVERS[request.param]), tmp_path)
    else:
        rest = RestMlflow()
        with http_server(rest.answer) as uri:
            yield rest_subject(name, rest, uri)


def test_a_version_is_found_by_its_alias_with_its_tags(subject: Subject) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    version = subject.register(dataset_id="d1")
    subject.registry.set_alias(PRODUCTION, version)

    served = subject.registry.version_by_alias(PRODUCTION)

    assert served.version == version == "1"
    assert served.tags["dataset_id"] == "d1"
    assert served.aliases == (PRODUCTION,)
    assert served.run_id
    assert before < served.created_at < datetime.now(UTC) + timedelta(seconds=5)


def test_an_alias_that_no_version_carries_is_not_found(subject: Subject) -> None:
    subject.register()

    with pytest.raises(AliasNotFoundError):
        subject.registry.version_by_alias(PRODUCTION)


def test_an_alias_of_a_model_that_is_not_registered_is_not_found(subject: Subject) -> None:
    with pytest.raises(AliasNotFoundError):
        subject.registry.version_by_alias(PRODUCTION)


def test_an_alias_moves_from_one_version_to_another(subject: Subject) -> None:
    for _ in range(2):
        subject.registry.set_alias(PRODUCTION, subject.register())

    assert subject.registry.version_by_alias(PRODUCTION).version == "2"
    assert subject.registry.version("1").aliases == ()


def test_a_version_is_found_by_its_number(subject: Subject) -> None:
    subject.register()
    subject.register()

    assert subject.registry.version("2").version == "2"


def test_a_missing_version_is_not_found(subject: Subject) -> None:
    subject.register()

    with pytest.raises(VersionNotFoundError):
        subject.registry.version("99")
    with pytest.raises(VersionNotFoundError):
        subject.registry.download("99", MODEL_FILE)
    with pytest.raises(VersionNotFoundError):
        subject.registry.set_alias(PRODUCTION, "99")
    with pytest.raises(VersionNotFoundError):
        subject.registry.set_tag("99", "key", "value")


def test_a_model_that_is_not_registered_has_no_versions(subject: Subject) -> None:
    assert list(subject.registry.versions()) == []


def test_versions_come_newest_first_and_no_more_than_asked(subject: Subject) -> None:
    for _ in range(11):
        subject.register()

    numbers = [version.version for version in subject.registry.versions(limit=3)]

    assert numbers == ["11", "10", "9"]


def test_versions_are_asked_for_by_their_tags(subject: Subject) -> None:
    for dataset_id, settings_id in (("d1", "s1"), ("d2", "s1"), ("d1", "s2"), ("d1", "s1")):
        subject.register(dataset_id=dataset_id, settings_id=settings_id)

    def numbers(limit: int = 100, **tags: str) -> list[str]:
        return [one.version for one in subject.registry.versions(limit=limit, tags=tags)]

    assert numbers(dataset_id="d1", settings_id="s1") == ["4", "1"]
    assert numbers(dataset_id="d1", settings_id="s1", limit=1) == ["4"]
    assert numbers(dataset_id="d3") == []


def test_versions_of_a_name_with_an_apostrophe(mlflow_uri: str, tmp_path: Path) -> None:
    subject = mlflow_subject(f"O'Hara-{uuid.uuid4().hex[:8]}", mlflow_uri, tmp_path)
    subject.register(dataset_id="d1")

    [version] = subject.registry.versions(tags={"dataset_id": "d1"})

    assert version.version == "1"


def test_versions_show_their_aliases_and_tags(subject: Subject) -> None:
    subject.register(dataset_id="d1")
    subject.registry.set_alias(PRODUCTION, "1")

    (version,) = subject.registry.versions()

    assert (version.aliases, version.tags["dataset_id"]) == ((PRODUCTION,), "d1")


def test_a_tag_is_set_and_set_again(subject: Subject) -> None:
    version = subject.register()

    for value in ("held", "promoted, because: é & 'better'"):
        subject.registry.set_tag(version, "verdict", value)

        assert subject.registry.version(version).tags["verdict"] == value


def test_a_model_file_is_downloaded_byte_for_byte(subject: Subject) -> None:
    large = MODEL + bytes(range(256)) * 20_000
    version = subject.register(large)

    content = subject.registry.download(version, MODEL_FILE)

    assert hashlib.sha256(content).hexdigest() == hashlib.sha256(large).hexdigest()


def test_a_missing_file_is_an_artifact_error(subject: Subject) -> None:
    version = subject.register()

    with pytest.raises(ArtifactError):
        subject.registry.download(version, "nothing-here.onnx")


@pytest.mark.parametrize("status", ["PENDING_REGISTRATION", "FAILED_REGISTRATION"])
def test_a_version_that_was_not_registered_whole_says_so(
    mlflow_database: Path, mlflow_uri: str, tmp_path: Path, status: str
) -> None:
    name = f"model {uuid.uuid4().hex}"
    subject = mlflow_subject(name, mlflow_uri, tmp_path)
    assert subject.registry.version(subject.register()).is_ready
    database = sqlite3.connect(mlflow_database)
    with database:
        database.execute("UPDATE model_versions SET status=? WHERE name=?", (status, name))
    database.close()

    version = subject.registry.version("1")

    assert not version.is_ready
    with pytest.raises(ArtifactError, match=status):
        download_model(subject.registry, version)


EVERY_CALL: dict[str, Callable[[ModelRegistry], object]] = {
    "version_by_alias": lambda registry: registry.version_by_alias(PRODUCTION),
    "version": lambda registry: registry.version("1"),
    "versions": lambda registry: registry.versions(),
    "download": lambda registry: registry.download("1", MODEL_FILE),
    "set_alias": lambda registry: registry.set_alias(PRODUCTION, "1"),
    "set_tag": lambda registry: registry.set_tag("1", "key", "value"),
}


def registry_at(uri: str) -> MlflowModelRegistry:
    return MlflowModelRegistry(uri, "model", timeout_seconds=BUDGET_SECONDS)


@contextmanager
def held_server(write: bytes = b"") -> Iterator[str]:
    """Serve requests whose answers never end: nothing comes, or these bytes again and again."""
    tested = threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> None:
        if write:
            request.send_response(200)
            request.end_headers()
        while not tested.wait(BUDGET_SECONDS / 10):
            request.wfile.write(write)

    with http_server(answer) as uri:
        try:
            yield uri
        finally:
            tested.set()


def seconds_until_unavailable(call: str, uri: str) -> float:
    started = time.monotonic()
    with pytest.raises(RegistryUnavailableError):
        EVERY_CALL[call](registry_at(uri))
    return time.monotonic() - started


@pytest.mark.parametrize("call", EVERY_CALL)
def test_a_registry_that_is_down_is_unavailable_within_the_budget(call: str) -> None:
    with http_server(answering(200, b"{}")) as uri:
        pass  # its port is free again: nobody listens there

    assert seconds_until_unavailable(call, uri) < 2 * BUDGET_SECONDS


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize("write", [b"", b" "], ids=["silent", "trickling"])
def test_an_answer_that_never_ends_is_unavailable_within_the_budget(
    call: str, write: bytes
) -> None:
    with held_server(write) as uri:
        assert seconds_until_unavailable(call, uri) < 2 * BUDGET_SECONDS


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_means_unavailable(call: str, status: int) -> None:
    with (
        http_server(answering(status, b"<html>oops</html>")) as uri,
        pytest.raises(RegistryUnavailableError),
    ):
        EVERY_CALL[call](registry_at(uri))


def closing(_request: BaseHTTPRequestHandler) -> None:
    """Answer nothing."""


def cutting(request: BaseHTTPRequestHandler) -> None:
    """Answer half a body."""
    request.send_response(200)
    request.send_header("Content-Length", "100")
    request.end_headers()
    request.wfile.write(b"{" * 50)


PASSING = {
    "closed": closing,
    "cut": cutting,
    **{str(status): answering(status, b"{}") for status in (409, 412, 429, 500, 503)},
}
VERSION = b'{"name": "m", "version": "1", "creation_timestamp": 0}'


@pytest.mark.parametrize("fault", PASSING)
def test_a_call_that_may_be_repeated_survives_the_network(fault: str) -> None:
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        healthy = answering(200, b'{"model_version": %s}' % VERSION)
        (PASSING[fault] if len(asked) <= 2 else healthy)(request)

    with http_server(answer) as uri:
        assert MlflowModelRegistry(uri, "model", tries=3).version("1").version == "1"
        assert len(asked) == 3

        asked.clear()
        with pytest.raises((RegistryUnavailableError, RegistryAnswerError)):
            MlflowModelRegistry(uri, "model", tries=2).version("1")
        assert len(asked) == 2


def test_tries_end_with_the_budget() -> None:
    with held_server() as uri:
        registry = MlflowModelRegistry(uri, "model", timeout_seconds=BUDGET_SECONDS, tries=9)
        started = time.monotonic()
        with pytest.raises(RegistryUnavailableError):
            registry.version("1")

        assert time.monotonic() - started < 2 * BUDGET_SECONDS


GARBAGE = {
    "html": (200, b"<html>a proxy's page</html>"),
    "nothing": (200, b""),
    "binary": (200, b"\xff\xfe\x00"),
    "list": (200, b"[]"),
    "other json": (200, b'{"hello": "world"}'),
    "version is text": (200, b'{"model_version": "1", "model_versions": "1"}'),
    "fields missing": (200, b'{"model_version": {}, "model_versions": [{}]}'),
    "no time": (
        200,
        b'{"model_version": {"version": "1", "creation_timestamp": "x"}, "model_versions": [1]}',
    ),
    "forbidden": (403, b'{"error_code": "PERMISSION_DENIED", "message": "no"}'),
}


READS = ["version_by_alias", "version", "versions"]
# MLflow leaves an empty list out of its answer: to versions, other JSON means none.
READ_GARBAGE = [
    pytest.param(call, *answer, id=f"{call}-{case}")
    for call in READS
    for case, answer in GARBAGE.items()
    if (call, case) != ("versions", "other json")
]


@pytest.mark.parametrize(("call", "status", "body"), READ_GARBAGE)
def test_an_invalid_response_is_an_answer_error(call: str, status: int, body: bytes) -> None:
    with http_server(answering(status, body)) as uri, pytest.raises(RegistryAnswerError):
        EVERY_CALL[call](registry_at(uri))


def test_invalid_aliases_are_an_answer_error() -> None:
    version = b'{"name": "m", "version": "1", "creation_timestamp": 0}'

    def answer(request: BaseHTTPRequestHandler) -> None:
        is_search = "model-versions/search" in request.path
        body = b'{"model_versions": [%s]}' % version if is_search else b'{"registered_model": 1}'
        answering(200, body)(request)

    with http_server(answer) as uri, pytest.raises(RegistryAnswerError):
        registry_at(uri).versions()


def test_connections_are_kept_until_they_are_closed() -> None:
    clients: list[int] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.protocol_version = "HTTP/1.1"
        request.close_connection = False
        clients.append(request.client_address[1])
        answering(200, b"{}")(request)

    with http_server(answer) as uri:
        registry = MlflowModelRegistry(uri, "model")
        registry.versions()
        registry.versions()
        registry.close_connections()
        registry.versions()
        registry.close_connections()

    kept, again, new = clients
    assert kept == again != new


def test_the_given_headers_go_with_every_request() -> None:
    seen: list[str | None] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        seen.append(request.headers["Authorization"])
        answering(200, b"{}")(request)

    with http_server(answer) as uri:
        access = RegistryAccess(uri, {"Authorization": "Bearer t0ken"})
        registry = MlflowModelRegistry(access, "model")
        registry.versions()

    assert seen == ["Bearer t0ken"]


def test_a_redirect_is_not_followed_and_takes_no_header_anywhere() -> None:
    seen: list[str] = []

    def elsewhere(request: BaseHTTPRequestHandler) -> None:
        seen.append(request.path)
        answering(200, b"{}")(request)

    def redirect(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", f"{other}/stolen")
        request.send_header("Content-Length", "2")
        request.end_headers()
        request.wfile.write(b"{}")

    with http_server(elsewhere) as other, http_server(redirect) as uri:
        registry = MlflowModelRegistry(RegistryAccess(uri, {"Authorization": "Bearer t"}), "model")
        with pytest.raises(RegistryAnswerError):
            registry.version("1")

    assert seen == []


def test_an_answer_that_would_fill_the_memory_is_not_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mlflow_registry, "MOST_BYTES", 1_000)
    location = b'{"artifact_uri": "mlflow-artifacts:/1/model"}'

    def answer(request: BaseHTTPRequestHandler) -> None:
        is_file = "mlflow-artifacts" in request.path
        answering(200, bytes(1_001) if is_file else location)(request)

    with http_server(answer) as uri, pytest.raises(RegistryAnswerError, match="over 1,000 bytes"):
        registry_at(uri).download("1", MODEL_FILE)


def test_a_file_in_other_storage_is_read_by_the_reader_of_its_scheme() -> None:
    answer = answering(200, b'{"artifact_uri": "s3://bucket/1/model"}')

    with http_server(answer) as uri:
        content = MlflowModelRegistry(uri, "model", artifact_readers={"s3": _described}).download(
            "1", MODEL_FILE
        )

    assert content == b"model.onnx of s3://bucket/1/model"


@pytest.mark.parametrize("location", ["gs://bucket/1/model", "/data/1/model", ""])
def test_a_file_in_an_unsupported_storage_is_refused_with_the_next_step(location: str) -> None:
    answer = answering(200, b'{"artifact_uri": "%s"}' % location.encode())

    with http_server(answer) as uri, pytest.raises(ArtifactError, match="--serve-artifacts"):
        MlflowModelRegistry(uri, "model", artifact_readers={"s3": _described}).download(
            "1", MODEL_FILE
        )


def _described(uri: str, path: str) -> bytes:
    return f"{path} of {uri}".encode()


def test_a_location_that_is_not_a_uri_is_an_answer_error() -> None:
    answer = answering(200, b'{"artifact_uri": "s3://[bucket/1/model"}')

    with http_server(answer) as uri, pytest.raises(RegistryAnswerError):
        registry_at(uri).download("1", MODEL_FILE)
