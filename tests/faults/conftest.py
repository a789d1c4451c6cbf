"""The endpoints, the proxy before them, and the count of the faults.

``make test`` runs a part: a lost answer at every write, and each other fault at some calls. With
``make test-faults`` every fault meets every call, and the registry is a real MLflow server.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import botocore.endpoint
import pytest

from fakes.faulty_proxy import FaultyProxy
from fakes.http_server import http_server
from fakes.rest_mlflow import RestMlflow
from faults.proving import Counted, MakeProtocol, count, prove
from faults.registering import MlflowRegistrar, Registrar, registrar_in_memory
from faults.summary import INJECTED
from faults.surroundings import Endpoints
from servers.aws_endpoint import running_aws_endpoint
from servers.mlflow_server import tracking_server

EVERY_FAULT = bool(os.environ.get("HOUSING_EVERY_FAULT"))
_TIMEOUT_SECONDS = 1_800 if EVERY_FAULT else 300
Prove = Callable[[MakeProtocol, str], None]
"""Prove that a protocol bears a fault, by its name, wherever it meets it."""


@pytest.fixture(scope="session")
def aws_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_aws_endpoint(tmp_path_factory.mktemp("aws")) as server:
        yield server.uri


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Registrar]]:
    if EVERY_FAULT:
        with tracking_server(tmp_path_factory.mktemp("mlflow")) as server:
            yield server.uri, MlflowRegistrar(server.uri)
    else:
        rest = RestMlflow()
        with http_server(rest.answer, keeps_alive=True) as url:
            yield url, registrar_in_memory(rest)


@pytest.fixture(scope="session")
def endpoints(aws_url: str, registry: tuple[str, Registrar]) -> Iterator[Endpoints]:
    registry_url, register = registry
    proxy = FaultyProxy(aws=aws_url, registry=registry_url)
    with http_server(proxy.answer, keeps_alive=True) as url:
        yield Endpoints(proxy, url, register)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have botocore try again at once."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))


@pytest.fixture(scope="session")
def counted() -> dict[MakeProtocol, Counted]:
    """The calls of each protocol, counted once."""
    return {}


@pytest.fixture
def proved(
    endpoints: Endpoints, counted: dict[MakeProtocol, Counted], request: pytest.FixtureRequest
) -> Prove:
    def proved(make: MakeProtocol, fault: str) -> None:
        if make not in counted:
            counted[make] = count(make, endpoints.proxy, endpoints.new)
        meeting = counted[make].meeting(fault, every=EVERY_FAULT)
        if not meeting:
            pytest.skip("no answer of the protocol has a body")

        proof = prove(make, fault, meeting, endpoints.proxy, endpoints.new)

        injected = (make.__name__, fault, proof.injected)
        request.node.user_properties.append((INJECTED, injected))
        if proof.wrong:
            pytest.fail("\n".join(["", *proof.wrong]), pytrace=False)
        assert proof.injected == len(meeting)

    return proved


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test time for its trials."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(_TIMEOUT_SECONDS))
