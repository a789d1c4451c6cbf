"""The routes about the service and its model, and how the application answers errors."""

import asyncio

import pytest

from fakes.asgi_client import AsgiClient
from fakes.model_changes import no_changes
from fakes.model_store import FakeModelStore
from fakes.written_lines import WrittenLines
from housing.schema import FEATURES
from predict.access.auth import OpenAccess
from predict.http.app import create_app
from predict.model.loading import ServedModel
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry

PROBLEM_JSON = "application/problem+json"


class BrokenModelStore(FakeModelStore):
    """Fails as nobody foresaw."""

    def current(self) -> ServedModel:
        msg = "a secret of the inside"
        raise ZeroDivisionError(msg)


def test_health_shows_the_version_and_where_its_data_came_from(client: AsgiClient) -> None:
    answer = client.get("/health")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "stage": "test",
        "model": {
            "name": "california-housing",
            "version": "7",
            "alias": "production",
            "created_at": "2026-11-01T00:00:00Z",
            "loaded_at": "2026-11-02T00:00:00Z",
            "data_source": "generated",
            "dataset_id": "d1",
            "metrics": {"rmse": 0.46},
            "trees": "onnxruntime",
        },
        "stale": False,
        "reason": None,
        "automatic_promotion": None,
    }
    assert answer.headers["X-Model-Version"] == "7"


def test_health_is_degraded_when_the_model_is_stale(
    client: AsgiClient, models: FakeModelStore, served: ServedModel
) -> None:
    models.served = ServedModel(
        served.version, served.predictor, served.loaded_at, stale=True, reason="out of reach"
    )

    answer = client.get("/health")

    assert answer.status_code == 200
    health = answer.json()
    assert (health["status"], health["stale"], health["reason"]) == (
        "degraded",
        True,
        "out of reach",
    )
    assert answer.headers["X-Model-Stale"] == "true"


def test_health_answers_without_a_model_too(client: AsgiClient, models: FakeModelStore) -> None:
    models.served = None

    answer = client.get("/health")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "no_model",
        "stage": "test",
        "model": None,
        "stale": False,
        "reason": "no model has been promoted yet",
        "automatic_promotion": None,
    }


def test_ping_needs_no_model(client: AsgiClient, models: FakeModelStore) -> None:
    models.served = None

    assert client.get("/ping").status_code == 200


def test_the_card_tells_all_that_the_registry_says(client: AsgiClient, served: ServedModel) -> None:
    card = client.get("/model").json()

    assert card["run_id"] == served.version.run_id
    assert (card["verdict"], card["verdict_reason"]) == ("promoted", "better by .01")
    assert card["tags"] == served.version.tags
    assert card["card"] == served.version.description
    assert card["metrics"] == {"rmse": 0.46}


def test_there_is_no_card_without_a_model(client: AsgiClient, models: FakeModelStore) -> None:
    models.served = None

    assert client.get("/model").status_code == 503


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing/h%C3%A9re", 404), ("GET", "/predict", 405), ("DELETE", "/model", 405)],
)
def test_what_is_not_routed_is_a_problem(
    client: AsgiClient, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == PROBLEM_JSON
    problem = answer.json()
    assert problem["type"] == "about:blank"
    assert (problem["status"], problem["instance"]) == (status, path)
    assert problem["title"]
    assert ("Allow" in answer.headers) == (status == 405)


def test_an_unexpected_error_is_logged_and_answered_without_internals(
    settings: PredictSettings,
    lines: WrittenLines,
    loop: asyncio.AbstractEventLoop,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = AsgiClient(
        create_app(settings, BrokenModelStore(), Telemetry(lines), OpenAccess(), no_changes), loop
    )

    answer = client.get("/health")

    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == PROBLEM_JSON
    assert "secret" not in answer.text
    assert "a secret of the inside" in caplog.text


def test_the_openapi_document_describes_every_feature_with_unit_and_limits(
    client: AsgiClient,
) -> None:
    document = client.get("/openapi.json").json()

    schema = document["components"]["schemas"]["BlockGroup"]
    assert set(schema["required"]) == set(schema["properties"])
    assert schema["additionalProperties"] is False
    for column in FEATURES:
        described = schema["properties"][column.name]
        assert described["examples"] == [column.example]
        assert column.unit in described["description"]
        assert (described["minimum"], described["maximum"]) == (column.minimum, column.maximum)
