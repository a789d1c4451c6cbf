"""``POST /predict``: prices for good requests, named fields for bad ones, never a 5xx for input."""

import json
import math
from typing import Any

import pytest

from fakes.asgi_client import AsgiClient
from fakes.model_store import FakeModelStore
from fakes.onnx_models import linear_model
from fakes.written_lines import WrittenLines
from housing.metrics import names as metric_names
from housing.schema import FEATURES
from predict.model.loading import ServedModel
from predict.model.predictor import Predictor
from predict.scoring.request_body import MAX_ROW_BYTES

PROBLEM_JSON = "application/problem+json"
BlockGroup = dict[str, Any]


def served_with(served: ServedModel, **knobs: float) -> ServedModel:
    return ServedModel(served.version, Predictor(linear_model(**knobs)), served.loaded_at)  # type: ignore[arg-type]


def test_price_interval_and_version_are_answered_in_both_units(
    client: AsgiClient, models: FakeModelStore, served: ServedModel, block_group: BlockGroup
) -> None:
    models.served = served_with(served, bias=0.5, income_weight=0.25, half_width=0.5)

    answer = client.post_json("/predict", {**block_group, "MedInc": 8})

    assert answer.status_code == 200
    assert answer.json() == {
        "MedHouseVal": 2.5,
        "price_usd": 250_000,
        "interval_90": {
            "lower": 2.0,
            "upper": 3.0,
            "lower_usd": 200_000,
            "upper_usd": 300_000,
        },
        "nearest_training_km": None,
        "model_name": "california-housing",
        "model_version": "7",
        "stale": False,
        "warnings": [],
    }
    assert answer.headers["X-Model-Version"] == "7"
    assert "X-Model-Stale" not in answer.headers


def test_the_order_of_the_fields_does_not_matter(
    client: AsgiClient, block_group: BlockGroup
) -> None:
    turned = dict(reversed(block_group.items()))

    prices = [client.post_json("/predict", body).json() for body in (block_group, turned)]

    assert prices[0] == prices[1]


def test_a_stale_model_is_said_in_body_and_header(
    client: AsgiClient, models: FakeModelStore, served: ServedModel, block_group: BlockGroup
) -> None:
    models.served = ServedModel(
        served.version, served.predictor, served.loaded_at, stale=True, reason="out of reach"
    )

    answer = client.post_json("/predict", block_group)

    assert answer.json()["stale"] is True
    assert answer.headers["X-Model-Stale"] == "true"


def test_a_store_that_may_wait_is_asked_all_the_same(
    client: AsgiClient, models: FakeModelStore, block_group: BlockGroup
) -> None:
    models.due = True

    assert client.post_json("/predict", block_group).status_code == 200


@pytest.mark.parametrize("column", FEATURES, ids=lambda column: column.name)
def test_an_unusual_value_is_answered_with_a_warning_that_names_it(
    client: AsgiClient, block_group: BlockGroup, column: Any
) -> None:
    unusual = (column.usual_maximum + column.maximum) / 2

    answer = client.post_json("/predict", {**block_group, column.name: unusual})

    warnings = [text for text in answer.json()["warnings"] if not text.startswith("the census")]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{column.name} {unusual:g} ")


@pytest.mark.parametrize(("bias", "warned"), [(5.00001, True), (4.9, False)])
def test_a_price_at_the_census_cap_is_warned_of(  # noqa: PLR0913 - fixtures
    client: AsgiClient,
    models: FakeModelStore,
    served: ServedModel,
    block_group: BlockGroup,
    bias: float,
    *,
    warned: bool,
) -> None:
    models.served = served_with(served, bias=bias, income_weight=0)

    warnings = client.post_json("/predict", block_group).json()["warnings"]

    assert any("$500,001" in text for text in warnings) is warned


@pytest.mark.parametrize("column", FEATURES, ids=lambda column: column.name)
@pytest.mark.parametrize("wrong", ["missing", "low", "high", "text", "true", "null", "list"])
def test_a_wrong_field_is_named(
    client: AsgiClient, block_group: BlockGroup, column: Any, wrong: str
) -> None:
    values = {
        "low": column.minimum - 0.5,
        "high": column.maximum + 0.5,
        "text": "3.5",
        "true": True,
        "null": None,
        "list": [1],
    }
    body = {name: value for name, value in block_group.items() if name != column.name}
    if wrong != "missing":
        body[column.name] = values[wrong]

    answer = client.post_json("/predict", body)

    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert [error["field"] for error in errors] == [column.name]
    if wrong in {"low", "high", "text", "true", "null"}:
        assert errors[0]["value"] == values[wrong]


def test_all_wrong_fields_are_named_at_once(client: AsgiClient) -> None:
    answer = client.post_json("/predict", {"MedInc": "a lot", "Rooms": 3})

    named = {error["field"] for error in answer.json()["errors"]}
    assert named == {"Rooms", *(column.name for column in FEATURES)}


@pytest.mark.parametrize("column", FEATURES, ids=lambda column: column.name)
def test_the_limits_themselves_are_taken(
    client: AsgiClient, block_group: BlockGroup, column: Any
) -> None:
    answers = [
        client.post_json("/predict", {**block_group, column.name: limit})
        for limit in (column.minimum, column.maximum)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]


BAD_BODIES = {
    "nan": (422, b'{"MedInc": NaN}'),
    "infinity": (422, b'{"MedInc": Infinity}'),
    "1e308": (422, b'{"MedInc": 1e308}'),
    "1e999": (422, b'{"MedInc": 1e999}'),
    "huge integer": (400, b'{"MedInc": ' + b"9" * 6_000 + b"}"),
    "long text": (422, b'{"MedInc": "' + b"x" * 60_000 + b'"}'),
    "long name": (422, b'{"' + b"x" * 60_000 + b'": 1}'),
    "list": (422, b"[1, 2, 3]"),
    "number": (422, b"1"),
    "null": (422, b"null"),
    "nothing": (400, b""),
    "cut short": (400, b'{"MedInc": 1'),
    "no json": (400, b"MedInc=1"),
    "endless nesting": (400, b"[" * 60_000),
    "nested field": (400, b'{"MedInc": ' + b'{"a":' * 12_000),
    "broken utf-8": (400, b'{"MedInc": "\xff\xfe"}'),
    "lone surrogate": (400, rb'{"MedInc": "\ud800"}'),
    "many rows of another form": (413, b'{"inputs": [' + b"[1]," * 1_000_000 + b"[1]]}"),
    "just too long": (413, b"1" + b" " * MAX_ROW_BYTES),
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_bad_body_is_a_short_problem_of_the_clients(client: AsgiClient, case: str) -> None:
    status, body = BAD_BODIES[case]

    answer = client.post("/predict", body)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == PROBLEM_JSON
    assert answer.json()["status"] == status
    assert len(answer.content) < 5_000


@pytest.mark.parametrize("content_type", ["text/csv", "text/plain", "", "json", "application/xml"])
def test_another_content_type_is_refused(
    client: AsgiClient, block_group: BlockGroup, content_type: str
) -> None:
    answer = client.post("/predict", json.dumps(block_group), content_type)

    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


def test_parameters_of_the_content_type_are_allowed(
    client: AsgiClient, block_group: BlockGroup
) -> None:
    body = json.dumps(block_group)

    answer = client.post("/predict", body, "Application/JSON; charset=utf-8")

    assert answer.status_code == 200


def test_without_a_model_the_answer_says_when_to_ask_again(
    client: AsgiClient, models: FakeModelStore, block_group: BlockGroup
) -> None:
    models.served = None

    answer = client.post_json("/predict", block_group)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["detail"] == "no model has been promoted yet"


def test_a_model_that_answers_nan_is_a_server_error_that_tells_no_internals(
    client: AsgiClient,
    models: FakeModelStore,
    served: ServedModel,
    block_group: BlockGroup,
    caplog: pytest.LogCaptureFixture,
) -> None:
    models.served = served_with(served, bias=math.nan)

    answer = client.post_json("/predict", block_group)

    assert answer.status_code == 500
    assert "log" in answer.json()["detail"]
    assert "finite" not in answer.text
    assert [record.message for record in caplog.records if record.exc_info] == ["prediction_failed"]


def test_a_good_prediction_is_counted_with_its_latency(
    client: AsgiClient, lines: WrittenLines, block_group: BlockGroup
) -> None:
    client.post_json("/predict", block_group)
    client.post_json("/predict", block_group)

    metrics = lines.metrics()
    latencies = metrics.pop(metric_names.PREDICTION_LATENCY)
    ages = metrics.pop(metric_names.MODEL_AGE)
    assert metrics == {
        metric_names.PREDICTION_REQUESTS: [1, 1],
        metric_names.PREDICTION_SUCCESS: [1, 1],
        metric_names.ROWS_PREDICTED: [1, 1],
        metric_names.MODEL_STALENESS: [0, 0],
        metric_names.MODEL_VERSION: [7, 7],
        metric_names.FAST_TREES: [0, 0],
        metric_names.COLD_START: [1, 0],
    }
    assert all(0 < latency < 10_000 for latency in latencies)
    assert all(age > 0 for age in ages)


def test_a_bad_request_is_counted_as_an_error_with_its_reason(
    client: AsgiClient, lines: WrittenLines
) -> None:
    client.post_json("/predict", {})

    assert lines.metrics() == {
        metric_names.PREDICTION_REQUESTS: [1],
        metric_names.PREDICTION_ERRORS: [1],
        metric_names.COLD_START: [1],
    }
    (line,) = lines.all
    assert line[metric_names.REASON_DIMENSION] == "invalid_fields"
    assert line["_aws"]["CloudWatchMetrics"][1]["Dimensions"] == [
        [metric_names.SERVICE_DIMENSION],
        [metric_names.SERVICE_DIMENSION, metric_names.REASON_DIMENSION],
    ]


def test_one_line_is_logged_for_each_prediction(
    client: AsgiClient, block_group: BlockGroup, lines: WrittenLines
) -> None:
    client.post_json("/predict", block_group)

    (line,) = lines.all
    assert line["message"] == "prediction"
    assert line["features"] == block_group
    assert line["model_version"] == "7"
    assert line["interval"][0] < line["price"] < line["interval"][1]
    assert line["latency_ms"] > 0
    assert line["request_id"]


@pytest.mark.parametrize("name", ["MedInc", "Longitude"])
def test_a_field_that_is_named_twice_is_refused(
    client: AsgiClient, block_group: BlockGroup, name: str
) -> None:
    body = json.dumps(block_group)[:-1] + f', "{name}": 1}}'

    answer = client.post("/predict", body)

    assert answer.status_code == 400
    assert f"names {name} 2 times" in answer.json()["detail"]
