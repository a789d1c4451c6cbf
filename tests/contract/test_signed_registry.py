"""Requests to a registry that wants AWS's signatures, checked by the rules that AWS publishes."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from pydantic import ValidationError

from fakes.http_server import answering, http_server
from fakes.signatures import is_right, scope_of
from housing.errors import RegistryUnavailableError
from housing.registry import access as registry_access
from housing.registry.access import RegistryAccess, RegistrySettings, managed_by_sagemaker
from housing.registry.mlflow import MlflowModelRegistry

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # AWS's own example
SERVER = "arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/housing"
APP = "arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:mlflow-app/app-1"


class Gate:
    """A server that lets in nobody whose signature is wrong."""

    def __init__(self) -> None:
        self.requests: list[Any] = []

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        self.requests.append(request)
        headers = dict(request.headers.items())
        right = is_right(request.command, request.path, headers, body, secret=SECRET)
        answering(200 if right else 403, b"{}")(request)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of a role")
    registry_access._credentials.cache_clear()
    yield
    registry_access._credentials.cache_clear()


@pytest.fixture
def gate() -> Gate:
    return Gate()


CALLS: dict[str, Callable[[MlflowModelRegistry], object]] = {
    "query with what has to be quoted": lambda registry: registry.versions(limit=3),
    "body": lambda registry: registry.set_tag("1", "a key", "ä + /?&="),
    "path with what has to be quoted": lambda registry: registry._served_artifact(
        "a b/ü", "m.onnx"
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_request_is_signed_as_aws_wants_it(gate: Gate, call: str) -> None:
    with http_server(gate.answer) as uri:
        registry = MlflowModelRegistry(managed_by_sagemaker(SERVER, url=uri), "a model")
        CALLS[call](registry)

    [request] = gate.requests
    assert request.headers["x-mlflow-sm-tracking-server-arn"] == SERVER
    assert request.headers["X-Amz-Security-Token"] == "of a role"
    day, *rest = scope_of(request.headers["Authorization"]).split("/")
    assert len(day) == 8
    assert rest == ["eu-west-1", "sagemaker-mlflow", "aws4_request"]


def test_the_check_knows_awss_own_example_and_a_forgery() -> None:
    headers = {
        "Host": "example.amazonaws.com",
        "X-Amz-Date": "20150830T123600Z",
        "Authorization": "AWS4-HMAC-SHA256 "
        "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    }

    assert is_right("GET", "/", headers, b"", secret=SECRET)
    assert not is_right("GET", "/", headers, b"x", secret=SECRET)
    assert not is_right("GET", "/?a=1", headers, b"", secret=SECRET)


def test_an_mlflow_app_has_an_address_a_header_and_a_service_of_its_own() -> None:
    access = managed_by_sagemaker(APP)

    assert access.url == "https://mlflow.sagemaker.us-gov-west-1.app.aws"
    assert access.headers == {"x-sm-mlflow-app-arn": APP}
    assert access.sign
    signed = access.sign("GET", access.url + "/", {}, b"")
    assert "/us-gov-west-1/sagemaker/aws4_request" in signed["Authorization"]
    assert managed_by_sagemaker(SERVER).url == "https://eu-west-1.experiments.sagemaker.aws"


def access_with(monkeypatch: pytest.MonkeyPatch, **variables: str) -> RegistryAccess:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return RegistrySettings().registry_access()


def test_mlflows_own_variable_signs_for_api_gateway(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_server(gate.answer) as uri:
        access = access_with(
            monkeypatch,
            MLFLOW_TRACKING_URI=uri,
            MLFLOW_TRACKING_AWS_SIGV4="true",
            AWS_REGION="us-east-1",
        )
        MlflowModelRegistry(access, "model").versions()

    [request] = gate.requests
    scope = scope_of(request.headers["Authorization"])
    assert scope.endswith("/us-east-1/execute-api/aws4_request")


def test_an_arn_is_a_tracking_uri(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server(gate.answer) as uri:
        access = access_with(
            monkeypatch, MLFLOW_TRACKING_URI=SERVER, SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT=uri
        )
        MlflowModelRegistry(access, "model").versions()

    assert len(gate.requests) == 1


@pytest.mark.parametrize(
    "variables",
    [
        {"MLFLOW_TRACKING_URI": SERVER.replace("tracking-server", "something")},
        {"MLFLOW_TRACKING_URI": "arn:aws:s3:::bucket"},
        {"MLFLOW_TRACKING_URI": "http://mlflow.test", "MLFLOW_TRACKING_AWS_SIGV4": "true"},
    ],
)
def test_settings_that_cannot_be_signed_for_are_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    with pytest.raises(ValidationError, match=r"ARN|AWS_REGION"):
        access_with(monkeypatch, **variables)


def test_without_credentials_the_registry_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    with http_server(gate.answer) as uri:
        registry = MlflowModelRegistry(managed_by_sagemaker(SERVER, url=uri), "model")
        with pytest.raises(RegistryUnavailableError, match="credentials"):
            registry.versions()

    assert gate.requests == []
