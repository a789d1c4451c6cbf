"""``GET /models/{version}``: one version with its card and the gate's numbers."""

import asyncio

import pytest

from fakes.alerts import FakeAlerts
from fakes.asgi_client import AsgiClient
from fakes.model_store import FakeModelStore
from fakes.registry import FakeModelRegistry
from housing.registry.live_model import LiveModel
from housing.registry.port import PRODUCTION, Tag
from predict.access.auth import OpenAccess
from predict.admin.model_changes import ModelChanges
from predict.http.app import create_app
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry


@pytest.fixture
def api(
    settings: PredictSettings,
    models: FakeModelStore,
    telemetry: Telemetry,
    loop: asyncio.AbstractEventLoop,
    live: LiveModel,
) -> AsgiClient:
    changes = ModelChanges(live, "california-housing", FakeAlerts(), lambda: None)
    return AsgiClient(create_app(settings, models, telemetry, OpenAccess(), lambda: changes), loop)


def test_a_version_is_shown_with_its_card_and_the_gates_numbers(
    api: AsgiClient, registry: FakeModelRegistry
) -> None:
    tags = {
        Tag.JOB_ID: "5c37c0ffee123456",
        Tag.VERDICT: "rejected",
        Tag.VERDICT_REASON: "worse in one slice",
        f"{Tag.METRIC_PREFIX}rmse": "0.46",
        f"{Tag.GATE_PREFIX}change": "0.031",
        f"{Tag.GATE_PREFIX}worse_slices": "near the coast",
    }
    version = registry.register({}, tags=tags, description="# A card\n<script>x</script>")
    registry.set_alias(PRODUCTION, version.version)

    card = api.get("/models/1").json()

    assert card["card"] == "# A card\n<script>x</script>"
    assert card["gate"] == {"change": "0.031", "worse_slices": "near the coast"}
    assert (card["job_id"], card["verdict"]) == ("5c37c0ffee123456", "rejected")
    assert (card["aliases"], card["metrics"]) == ([PRODUCTION], {"rmse": 0.46})


@pytest.mark.parametrize(("version", "status"), [("99", 404), ("0", 422), ("a", 422)])
def test_a_version_that_is_not_there_is_a_problem(
    api: AsgiClient, version: str, status: int
) -> None:
    answer = api.get(f"/models/{version}")

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
