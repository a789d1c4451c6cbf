"""Webhooks of a real MLflow server on SQL: a move past the pipeline is recorded within seconds."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from mlflow import MlflowClient
from starlette.types import Message, Receive, Scope, Send

from contract.conftest import s3_endpoint
from fakes.alerts import FakeAlerts
from fakes.model_changes import no_changes
from fakes.model_store import FakeModelStore
from fakes.onnx_models import linear_model
from fakes.written_lines import WrittenLines
from housing.alerts.alert import AlertEvent
from housing.registry.alias_repair import FOREIGN
from housing.registry.ledger import AliasChange, Ledger
from housing.registry.live_model import LiveModel, Reason
from housing.registry.mlflow import MlflowModelRegistry
from housing.registry.port import PRODUCTION
from predict.access.auth import OpenAccess
from predict.admin.alias_audit import SWEEP, AliasAudit
from predict.http.app import create_app
from predict.http.routes.hooks import HOOK_PATH, hook_routes
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry
from servers.application import served
from servers.mlflow_server import TrackingServer, tracking_server

SECRET = "shared with the server"
JOB = Reason("job", "better", {})
EVENTS: tuple[Any, ...] = ("model_version_alias.created", "model_version_alias.deleted")
SECONDS = 30.0
LOOPBACK = {
    # A Fernet key; without one, a restart makes webhooks unusable.
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http",
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_CACHE_TTL": "0",  # a new webhook would be silent for a minute
}


@dataclass
class Receiver:
    """The application on loopback, with the statuses that it answered."""

    audit: AliasAudit
    alerts: FakeAlerts
    url: str = ""
    statuses: list[int] = field(default_factory=list)

    def counting(self, app: Any) -> Any:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            async def seen(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self.statuses.append(message["status"])
                await send(message)

            await app(scope, receive, seen)

        return counted


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    with tracking_server(tmp_path_factory.mktemp("hooks"), environment=LOOPBACK) as started:
        yield started


@pytest.fixture
def name() -> str:
    """Return the name of a model of the test's own."""
    return f"housing-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def live(name: str, server: TrackingServer) -> Iterator[LiveModel]:
    with s3_endpoint() as environment:
        s3 = boto3.client(
            "s3",
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            region_name="us-east-1",
        )
        s3.create_bucket(Bucket=name)  # moto's servers of one process share their buckets
        registry = MlflowModelRegistry(server.uri, name)
        yield LiveModel(registry, Ledger(s3, name), s3, name)


@pytest.fixture
def receiver(name: str, live: LiveModel, settings: PredictSettings) -> Iterator[Receiver]:
    alerts = FakeAlerts()
    audit = AliasAudit(live, name, alerts)
    receiver = Receiver(audit, alerts)
    app = create_app(
        settings,
        FakeModelStore(None),
        Telemetry(WrittenLines()),
        OpenAccess(),
        no_changes,
        hooks=hook_routes(lambda: audit, lambda: SECRET, name),
    )
    with served(receiver.counting(app)) as url:
        receiver.url = url + HOOK_PATH
        yield receiver


@pytest.fixture
def settings(tmp_path: Path) -> PredictSettings:
    return PredictSettings(
        auth="off", tracking_uri="http://registry.test", model_dir=tmp_path / "model"
    )


@contextmanager
def hook(server: TrackingServer, url: str, secret: str) -> Iterator[None]:
    """Make a webhook as docs/deploy.md says."""
    client = MlflowClient(tracking_uri=server.uri)
    made = client.create_webhook(name="ledger", url=url, events=list(EVENTS), secret=secret)
    try:
        yield
    finally:
        client.delete_webhook(made.webhook_id)


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def promoted(server: TrackingServer, live: LiveModel, name: str, *, bias: float) -> str:
    """Register a version, and promote it as the pipeline does."""
    model = linear_model(bias=bias)
    number = server.register(model, name=name)
    version = live.registry.version(number)
    with live.locked("job"):
        live.put(version, model, JOB, version.tags)
    return number


def newest(live: LiveModel) -> AliasChange:
    [change] = live.ledger.newest(1)
    assert isinstance(change, AliasChange)
    return change


def test_a_move_past_the_pipeline_is_recorded_and_reported_within_seconds(
    name: str, server: TrackingServer, live: LiveModel, receiver: Receiver
) -> None:
    with hook(server, receiver.url, SECRET):
        first, second = (promoted(server, live, name, bias=bias) for bias in (1.0, 2.0))
        wait_for(lambda: len(receiver.statuses) >= 3)  # of the pipeline's own moves
        assert newest(live).who == JOB.who
        moved_at = time.monotonic()
        MlflowClient(tracking_uri=server.uri).set_registered_model_alias(name, PRODUCTION, first)
        wait_for(lambda: newest(live).who == FOREIGN)
        took = time.monotonic() - moved_at
        wait_for(lambda: receiver.alerts.sent)

    change = newest(live)
    assert (change.alias, change.from_version, change.to_version) == (PRODUCTION, second, first)
    assert [(alert.event, alert.reason) for alert in receiver.alerts.sent] == [
        (
            AlertEvent.ALIAS_REPAIRED,
            f"an alias was moved outside the pipeline: {PRODUCTION} from 2 to 1",
        )
    ]
    assert set(receiver.statuses) == {200}
    assert took < SECONDS


def test_a_hook_of_another_secret_changes_nothing_and_the_sweep_finds_the_move(
    name: str, server: TrackingServer, live: LiveModel, receiver: Receiver
) -> None:
    with hook(server, receiver.url, "another secret"):
        first = promoted(server, live, name, bias=3.0)
        promoted(server, live, name, bias=4.0)
        wait_for(lambda: len(receiver.statuses) >= 3)
        MlflowClient(tracking_uri=server.uri).set_registered_model_alias(name, PRODUCTION, first)
        wait_for(lambda: len(receiver.statuses) >= 4)

        assert set(receiver.statuses) == {401}
        assert newest(live).who == JOB.who
        [repair] = receiver.audit.run(who=SWEEP)

    assert (repair.change.alias, repair.change.to_version) == (PRODUCTION, first)
    assert newest(live).who == FOREIGN


def test_mlflows_own_trial_of_a_webhook_is_accepted(
    server: TrackingServer, receiver: Receiver
) -> None:
    client = MlflowClient(tracking_uri=server.uri)
    made = client.create_webhook(
        "trial", receiver.url, ["model_version_alias.created"], secret=SECRET
    )

    result = client.test_webhook(made.webhook_id)

    client.delete_webhook(made.webhook_id)
    assert (result.success, result.response_status) == (True, 200)
